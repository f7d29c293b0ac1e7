#include "weights/download.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <exception>
#include <memory>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/input_file.hpp"
#include "base/interrupt.hpp"
#include "base/output_file.hpp"
#include "base/progress.hpp"

namespace afterglow {
namespace {

namespace fs = std::filesystem;

constexpr long kConnectSeconds = 20, kSilentSeconds = 60;
constexpr long kMostRedirections = 5;

/// The file under construction, which no two processes write to.
class PartFile {
 public:
  explicit PartFile(const fs::path& to) : path_(to.string() + ".part") {
    std::error_code error;
    if (to.has_parent_path()) fs::create_directories(to.parent_path(), error);
    do {
      open();
    } while (!has_its_name());
  }
  ~PartFile() { close(); }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  const fs::path& path() const { return path_; }
  std::uint64_t size() const {
    struct stat status = {};
    return ::fstat(descriptor_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  }
  void clear() {
    if (::ftruncate(descriptor_, 0) != 0) fail();
  }
  void append(const char* data, std::size_t count) {
    while (count > 0) {
      const ssize_t written = ::write(descriptor_, data, count);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail();
      data += written;
      count -= static_cast<std::size_t>(written);
    }
  }
  /// Gives the file its name.
  void commit(const fs::path& to) {
    sync_to_disk(path_, to);
    std::error_code error;
    fs::rename(path_, to, error);
    if (error) throw RunError(to.string() + ": cannot be put in place: " + error.message());
    sync_to_disk(to.has_parent_path() ? to.parent_path() : fs::path("."), to);
  }
  void remove() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }

 private:
  /// Opens and locks what now has the name. Links are not followed: whoever may write to the folder
  /// could have any file overwritten.
  void open() {
    close();
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
    struct stat status = {};
    const bool link = descriptor_ < 0 && errno == ELOOP;
    if (link || (::fstat(descriptor_, &status) == 0 && !S_ISREG(status.st_mode))) {
      close();
      throw InputError(path_.string(), "is no plain file", "remove it");
    }
    if (descriptor_ < 0) {
      throw InputError(path_.string(), std::string("cannot be written: ") + std::strerror(errno),
                       "choose another folder");
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      close();
      throw InputError(path_.string(), "is being fetched by another process", "wait for it");
    }
  }
  /// False when another process gave the file its final name, or removed it, before it was locked.
  bool has_its_name() const {
    struct stat opened = {}, named = {};
    return ::fstat(descriptor_, &opened) == 0 && ::lstat(path_.c_str(), &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
  }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  [[noreturn]] void fail() const {
    throw RunError(path_.string() + ": cannot be written: " + std::strerror(errno));
  }

  fs::path path_;
  int descriptor_ = -1;
};

/// One address asked for what is missing of a file.
class Transfer {
 public:
  Transfer(const DownloadRequest& request, PartFile& part, Progress& progress)
      : request_(request), part_(part), progress_(progress), curl_(curl_easy_init()) {
    if (!curl_) throw RunError("libcurl cannot be started");
  }

  /// What went wrong; empty when all has come. With `anew` the address is asked for the whole file,
  /// which takes the place of what is there as soon as it looks like the file.
  std::string run(const std::string& address, bool anew = false) {
    const std::uint64_t there = part_.size();
    failure_ = nullptr;
    anew_ = anew;
    curl_easy_reset(curl_.get());
    set(CURLOPT_URL, address.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https,file");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, kMostRedirections);
    set(CURLOPT_FAILONERROR, 1L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, kSilentSeconds);
    set(CURLOPT_USERAGENT, "afterglow");
    set(CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(anew ? 0 : there));
    set(CURLOPT_WRITEFUNCTION, &Transfer::write);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_XFERINFOFUNCTION, &Transfer::check_interrupt);
    set(CURLOPT_NOPROGRESS, 0L);
    char said[CURL_ERROR_SIZE] = "";
    set(CURLOPT_ERRORBUFFER, said);
    const CURLcode code = curl_easy_perform(curl_.get());
    throw_if_interrupted();
    if (failure_) std::rethrow_exception(failure_);
    if (!refused_.empty()) return std::exchange(refused_, {});
    if (part_.size() == request_.bytes) return "";
    long status = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    // A server that cannot go on from there begins again. (libcurl takes a 416 for success.)
    const bool no_range =
        code == CURLE_RANGE_ERROR || code == CURLE_BAD_DOWNLOAD_RESUME || status == 416;
    if (there > 0 && no_range && !anew) return run(address, /*anew=*/true);
    if (code == CURLE_OK) {
      const std::uint64_t bytes = part_.size();
      // Whole, but another file; without a length it may as well have broken off. With `anew_` what
      // is there is not from here.
      if (length() >= 0 && !anew_) part_.clear();
      return "gives " + std::to_string(anew_ ? 0 : bytes) + " bytes, not " +
             std::to_string(request_.bytes);
    }
    if (status >= 400) return "answers with status " + std::to_string(status);
    return *said != '\0' ? said : curl_easy_strerror(code);
  }

 private:
  struct Cleanup {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  };

  template <typename Value>
  void set(CURLoption option, Value value) {
    if (curl_easy_setopt(curl_.get(), option, value) != CURLE_OK) {
      throw RunError("this libcurl is too old (7.85 is needed)");
    }
  }

  /// Bytes that the server says it sends; negative when it does not say.
  curl_off_t length() const {
    curl_off_t bytes = -1;
    curl_easy_getinfo(curl_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &bytes);
    return bytes;
  }

  /// What is wrong with the next bytes; empty when nothing is.
  std::string look_at(std::string_view bytes) {
    const std::uint64_t so_far = anew_ ? 0 : part_.size();
    if (so_far == 0 && is_html_page(bytes)) return "gives an HTML page, not the file";
    if (anew_) {
      const curl_off_t said = length();
      if (said >= 0 && static_cast<std::uint64_t>(said) != request_.bytes) {
        return "gives " + std::to_string(said) + " bytes, not " + std::to_string(request_.bytes);
      }
      part_.clear();
      anew_ = false;
    }
    if (bytes.size() <= request_.bytes - std::min(so_far, request_.bytes)) return "";
    part_.clear();
    return "gives more than the " + std::to_string(request_.bytes) + " bytes of the file";
  }

  static std::size_t write(char* data, std::size_t, std::size_t count, void* self_pointer) {
    auto& self = *static_cast<Transfer*>(self_pointer);
    try {
      self.refused_ = self.look_at({data, count});
      if (!self.refused_.empty()) return 0;
      self.part_.append(data, count);
      self.progress_.update(static_cast<std::int64_t>(self.part_.size() >> 20));
      return count;
    } catch (...) {  // must not fly through libcurl
      self.failure_ = std::current_exception();
      return 0;
    }
  }
  static int check_interrupt(void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return interrupted() ? 1 : 0;
  }

  const DownloadRequest& request_;
  PartFile& part_;
  Progress& progress_;
  std::unique_ptr<CURL, Cleanup> curl_;
  std::exception_ptr failure_;
  std::string refused_;
  bool anew_ = false;  // nothing of this answer is in the part yet, which is to give way to it
};

}  // namespace

bool is_html_page(std::string_view bytes) {
  constexpr std::size_t kEnough = 512;
  std::string start;
  for (const char byte : bytes.substr(0, kEnough)) {
    if (!start.empty() || std::isspace(static_cast<unsigned char>(byte)) == 0) {
      start += static_cast<char>(std::tolower(static_cast<unsigned char>(byte)));
    }
  }
  return start.starts_with("<!doctype html") || start.starts_with("<html") ||
         (start.starts_with("<?xml") && start.find("<html") != std::string::npos);
}

namespace {

/// Asks one address until all has come or it brings nothing more. What went wrong; empty when a
/// file that passes the check is there.
std::string fetch_from(const std::string& address, const DownloadRequest& request, PartFile& part,
                       Progress& progress) {
  const bool begun = part.size() > 0;
  Transfer transfer(request, part, progress);
  std::string problem;
  std::uint64_t before = 0;
  do {
    before = part.size();
    problem = before == request.bytes ? "" : transfer.run(address);
  } while (!problem.empty() && part.size() > before);
  if (!problem.empty()) return problem;
  problem = request.check(read_file(part.path(), request.bytes, "a whole file"));
  if (problem.empty()) return "";
  part.clear();
  // What was there before may have been of another file.
  return begun ? fetch_from(address, request, part, progress) : "gives a file that " + problem;
}

}  // namespace

void download(const DownloadRequest& request) {
  PartFile part(request.to);
  Progress progress(request.name, static_cast<std::int64_t>(request.bytes >> 20), "MiB");
  std::string problems;
  for (const std::string& address : request.addresses) {
    const std::string problem = fetch_from(address, request, part, progress);
    if (problem.empty()) {
      part.commit(request.to);
      progress.finish();
      return;
    }
    problems += (problems.empty() ? "" : "; ") + address + " " + problem;
  }
  const bool goes_on = part.size() > 0;
  if (!goes_on) part.remove();
  throw RunError(request.name + ": could not be fetched: " + problems +
                 (goes_on ? "; the next fetch goes on from here"
                          : "; try again later, or another address with --mirror"));
}

}  // namespace afterglow
