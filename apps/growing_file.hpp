// A file that a run adds to while others read it.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>

namespace afterglow {

class GrowingFile {
 public:
  /// Opens the file for appending, and makes it when it is not there. Throws InputError when that
  /// cannot be done.
  explicit GrowingFile(std::filesystem::path path);

  /// Adds bytes, flushed at once. Throws RunError (disk full).
  void write(std::string_view bytes);
  /// Puts what was written on the disk itself. Throws RunError.
  void sync();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  [[noreturn]] void fail() const;

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace afterglow
