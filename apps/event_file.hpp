// TensorBoard's event files: what a run writes for people to watch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <utility>

#include "apps/growing_file.hpp"
#include "data/picture.hpp"

namespace afterglow {

/// A file of events that grows while it is read: TFRecords of Event messages.
class EventFile {
 public:
  /// How the names of such files begin.
  static constexpr const char* kPrefix = "events.out.tfevents.";

  /// Begins a file of its own in `folder`. What older files there say of `first_step` and later
  /// ones is taken back: TensorBoard shows it no more. Throws InputError when the file cannot be
  /// made, RunError (disk full).
  EventFile(const std::filesystem::path& folder, std::int64_t first_step);

  using Scalar = std::pair<const char*, double>;
  /// Adds a value under each tag ("group/name"), flushed at once. Throws RunError (disk full).
  void add_scalars(std::int64_t step, std::initializer_list<Scalar> scalars);
  /// Adds a picture, flushed at once. Throws RunError (disk full).
  void add_picture(std::int64_t step, const std::string& tag, const Picture& picture);

 private:
  void write(const std::string& event);

  GrowingFile file_;
};

}  // namespace afterglow
