#include "apps/growing_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.hpp"

namespace afterglow {

GrowingFile::GrowingFile(std::filesystem::path path)
    : path_(std::move(path)), file_(std::fopen(path_.c_str(), "ab")) {
  if (!file_) throw InputError(path_.string(), std::strerror(errno), "make it writable");
}

void GrowingFile::write(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size() ||
      std::fflush(file_.get()) != 0) {
    fail();
  }
}

void GrowingFile::sync() {
  if (fsync(fileno(file_.get())) != 0) fail();
}

void GrowingFile::fail() const {
  throw RunError(path_.string() + ": " + std::strerror(errno) + "; make room and use --resume");
}

}  // namespace afterglow
