// Files from the network, whole or not at all (libcurl).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace afterglow {

struct DownloadRequest {
  std::string name;                    // for messages and progress
  std::vector<std::string> addresses;  // http, https or file; tried one after the other
  std::uint64_t bytes = 0;             // of the file; more are refused while they come
  std::filesystem::path to;
  /// What is wrong with the whole file's bytes; empty when nothing is.
  std::function<std::string(std::string_view)> check;
};

/// Fetches a file. What has come lies in `to`.part, from where a later call goes on; only a whole,
/// checked file gets its name. An address that breaks off is asked for the rest again while that
/// brings it on; of one that cannot go on from there the whole file, which takes the part's place
/// unless it is a page of HTML or says another length. Redirections are followed, a proxy is taken
/// from the environment. A file that fails the check is removed. Throws InputError when `to` cannot
/// be written, its part is no plain file or another process fetches it, RunError, which says why of
/// every address, when none gives the file, Interrupted after Ctrl-C.
void download(const DownloadRequest& request);

/// True for bytes that begin like a page of HTML, which servers give in place of what they lack.
bool is_html_page(std::string_view bytes);

}  // namespace afterglow
