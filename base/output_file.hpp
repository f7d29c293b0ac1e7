// Output that is there whole or not at all: written beside its final name and renamed into place.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace afterglow {

/// A file (or folder) under construction. Write to temporary(); commit() syncs it to disk and
/// renames it to its final name; without a commit the destructor removes it. The temporary name
/// ends in the final extension (so that libraries which look at it behave), begins with ".", lies
/// in the same folder, and is the same for every run, so that a killed run's leftover is
/// overwritten by the next.
class OutputFile {
 public:
  /// Throws InputError when the folder does not exist and cannot be made, or cannot be written.
  explicit OutputFile(std::filesystem::path final_path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  const std::filesystem::path& temporary() const { return temporary_; }
  const std::filesystem::path& path() const { return final_; }

  /// Makes the output visible under its final name, replacing what was there. Throws RunError.
  void commit();

 private:
  std::filesystem::path final_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

/// Asks the system to put a file's (or folder's) data on disk; messages call it `shown`. Throws
/// RunError when that fails, but not on a file system that cannot.
void sync_to_disk(const std::filesystem::path& path, const std::filesystem::path& shown);

/// Throws InputError when one of the inputs (paths; those that are empty or do not exist are passed
/// over) is the very file or folder that `output` names.
void refuse_overwriting(const std::filesystem::path& output,
                        const std::vector<std::filesystem::path>& inputs);

/// Writes text to a file through OutputFile. Throws InputError or RunError.
void write_text_file(const std::filesystem::path& path, const std::string& text);

}  // namespace afterglow
