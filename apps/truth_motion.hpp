// How the truth moves from frame to frame.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/sequences.hpp"
#include "data/clip_scorer.hpp"
#include "data/picture.hpp"
#include "data/scene_cut.hpp"
#include "data/warp_error.hpp"

namespace afterglow {

/// The folders of .flo files among these and, where one holds none, in it, under their names.
/// Throws InputError for a path that is no folder or leads to no .flo file. The sequences cannot be
/// opened; they are for match_sequences().
std::vector<Sequence> list_flows(const std::vector<std::filesystem::path>& paths);

/// The motion between a film's true frames as they go by, found once for all that is measured along
/// it. Flow is estimated by DIS in both directions; frames below kSmallestFlowSide a side have
/// none, nor is there any over a scene cut. A folder of .flo files (natural order: one from each
/// frame to the next) gives the flow forward as well; what is occluded is then told by DIS's flow
/// back.
class TruthMotion {
 public:
  /// flow_folder: empty for none.
  explicit TruthMotion(const std::filesystem::path& flow_folder = {});

  /// Takes the next true frame. Throws InputError when the folder holds no flow to it, or one of
  /// another size.
  void push(const Picture& truth);

  /// Throws InputError when the folder holds more flows than pushed frames need. film: for the
  /// message.
  void finish(const std::string& film) const;

  /// From the frame before to the last one; nulls for the first of a scene.
  TrueMotion there() const;
  /// From the last frame to the one before, by DIS; null for the first of a scene. What is visible
  /// is found when it is first asked for.
  const VisibleFlow* back();

 private:
  std::filesystem::path folder_;
  std::vector<std::filesystem::path> flows_;
  std::size_t frames_ = 0;
  Picture last_;
  SceneCutDetector cuts_;
  std::optional<VisibleFlow> dis_, flo_, back_;
  std::optional<Flow> flow_back_;  // until back_ has it
};

}  // namespace afterglow
