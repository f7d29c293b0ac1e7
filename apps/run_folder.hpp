// The folder of a training run: models, configuration, log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "apps/growing_file.hpp"

namespace afterglow {

class RunFolder {
 public:
  /// Throws InputError when the folder holds anything, unless `resume`. It is made with the first
  /// file in it.
  RunFolder(std::filesystem::path path, bool resume);
  /// Takes configuration, log and event files away again when the run never came to a checkpoint.
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path best() const { return path_ / "best.h5"; }
  std::filesystem::path last() const { return path_ / "last.h5"; }
  std::filesystem::path model() const { return path_ / "model.h5"; }
  std::filesystem::path config() const { return path_ / "config.toml"; }
  std::filesystem::path log() const { return path_ / "log.jsonl"; }

  /// Throws InputError when the folder cannot be made or written, RunError (disk full).
  void write_config(const std::string& text);
  /// Opens the log for appending, cut back to the steps and whole epochs that a checkpoint knows.
  /// Throws InputError when it cannot be written.
  void open_log(std::int64_t steps, std::int64_t epochs);
  /// Adds a line, flushed at once. Throws RunError (disk full).
  void write_log(const std::string& line);
  /// Puts the log on the disk itself: before a checkpoint that counts on it.
  void sync_log();

 private:
  std::filesystem::path path_;
  std::optional<GrowingFile> log_;
  bool begun_ = false;
};

}  // namespace afterglow
