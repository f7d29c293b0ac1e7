// What `afterglow prepare` fills: a dataset of squares, or a film set.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "data/frames.hpp"

namespace afterglow {

/// What --fit takes to make a film set.
inline constexpr const char* kShape = "shape";

/// Clips on their way into a file.
class PreparedClips {
 public:
  virtual ~PreparedClips() = default;
  /// Begins a clip of a film; frames follow, each with a colorized version, or none. Throws
  /// InputError when the id cannot be a name.
  virtual void begin(const std::string& id, const FramesInfo& film, const std::string& source,
                     bool colorized) = 0;
  /// The film's next frame, whole, and its colorized version (null where begin() said so).
  virtual void add(const Picture& truth, const Picture* colorized) = 0;
  virtual void drop(const std::string& id) = 0;
  virtual void set_split(const std::string& id, Split split) = 0;
  virtual std::vector<ClipInfo> clips() const = 0;
  /// Puts the file in place.
  virtual void commit() = 0;
};

/// A dataset of header.size squares; with_flow: and how the truth moves.
std::unique_ptr<PreparedClips> prepare_squares(const std::filesystem::path& out,
                                               const DatasetHeader& header, bool with_flow);
/// A film set: whole frames in steady_size(), and how the truth moves there and back.
std::unique_ptr<PreparedClips> prepare_films(const std::filesystem::path& out);

}  // namespace afterglow
