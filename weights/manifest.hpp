// The files of pretrained weights that afterglow can use, and where they are found.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace afterglow {

struct KnownWeights {
  std::string name;  // for --weights and `afterglow weights fetch`
  std::string file;  // what its authors call it
  std::uint64_t bytes = 0;
  std::string sha256;  // hexadecimal; empty where its authors publish another sum
  std::string md5;     // that sum
  std::string licence;
  std::string purpose;
  std::vector<std::string> addresses;  // in the order in which they are tried
};

/// VGG16 without its classifier, and ECCV16 as Caffe's and as PyTorch's file.
const std::vector<KnownWeights>& known_weights();

/// The file of that name. Throws InputError, which lists the names, for another.
const KnownWeights& find_weights(const std::string& name);

/// Where fetched files lie: $XDG_CACHE_HOME/afterglow/weights, else ~/.cache/afterglow/weights.
/// Nothing when neither XDG_CACHE_HOME nor HOME says where that is.
std::optional<std::filesystem::path> find_weights_folder();

/// The same. Throws InputError where that gives nothing.
std::filesystem::path weights_folder();

/// The file that an option names: a known name, where no file of that name lies, stands for what
/// was fetched under it. Throws InputError when that was not.
std::filesystem::path weights_file(const std::filesystem::path& given);

/// What is wrong with a file that claims to be these weights; empty when nothing is. Checks size
/// and sum; says so when the bytes are a page of HTML.
std::string check_weights(const KnownWeights& weights, std::string_view bytes);

}  // namespace afterglow
