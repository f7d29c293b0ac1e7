// Batches of consecutive frames, read and assembled on a thread of their own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.hpp"

namespace afterglow {

/// In which order an epoch goes through the frames. Batches never cross clips; the short last batch
/// of a clip is kept.
enum class BatchOrder {
  kSequential,      // clips and frames as they lie in the file
  kShuffledClips,   // clips shuffled for each epoch; the batches of a clip stay in order
  kShuffledFrames,  // clips, and the frames inside a clip, shuffled, as the authors' published code
};

/// "sequential", "shuffled-clips" or "shuffled-frames".
std::string batch_order_name(BatchOrder order);

/// The inverse of batch_order_name. Throws InputError(subject, ...) for anything else.
BatchOrder parse_batch_order(const std::string& text, const std::string& subject);

/// Which flow of the dataset comes along with a batch.
enum class BatchFlow {
  kNone,
  kStill,  // 0 where a pixel moves by at most kStillPixels, else NaN
  kAll,
};

/// A pixel that moves no further between two frames is nearly still, pixels.
inline constexpr float kStillPixels = 1;

struct BatchOptions {
  Split split = Split::kTrain;
  int batch = 16;  // frames, 1 or more
  BatchOrder order = BatchOrder::kShuffledClips;
  std::uint64_t seed = 1;
  int context = 0;                    // frames before the batch that come along, 0 or more
  BatchFlow flow = BatchFlow::kNone;  // not for kShuffledFrames
  std::int64_t epochs = 1;            // the producer ends after so many, counted from epoch 0
};

/// A batch's place in training: all that a resumed run needs to know.
struct BatchPosition {
  std::int64_t epoch = 0;
  std::int64_t batch = 0;  // within the epoch
  bool operator==(const BatchPosition&) const = default;
};

/// Which frames a batch holds: N frames of one clip.
struct BatchPlan {
  std::size_t clip = 0;              // index into the clips of the split
  std::vector<std::int64_t> frames;  // consecutive, but for kShuffledFrames
};

/// The batches of an epoch: a function of clips, options and the epoch's number alone.
std::vector<BatchPlan> plan_epoch(const std::vector<ClipInfo>& clips, const BatchOptions& options,
                                  std::int64_t epoch);

/// N frames of one clip; pixels are RGB, 0..255, (N, size, size, 3).
struct Batch {
  BatchPosition position;
  std::string clip;
  std::vector<std::int64_t> frames;       // index of each frame in its clip
  std::vector<std::uint8_t> clip_starts;  // 1 where a frame has no predecessor in its clip; with
                                          // kShuffledFrames 1 for the batch's first frame alone
  std::vector<std::uint8_t> current;      // colorized input
  std::vector<std::uint8_t> previous;     // colorized input of the frame before; of a clip's first
                                          // frame, the frame itself. Always by the clip's own order
  std::vector<std::uint8_t> truth;
  /// Colorized input of the frames just before frames[0], oldest first: (C, size, size, 3) with C =
  /// min(options.context, frames[0]); C = 0 for kShuffledFrames.
  std::vector<std::uint8_t> context;
  /// As Dataset::read_flow, (N, size, size, 2); empty for BatchFlow::kNone.
  std::vector<float> flow;

  std::int64_t count() const { return static_cast<std::int64_t>(frames.size()); }
};

/// Hands out the batches of all epochs in order, a few read ahead by its own thread. What it hands
/// out depends on dataset, options and position alone, never on timing.
class BatchProducer {
 public:
  /// Begins at `start`. Throws InputError when the split has no clips, or for a batch below 1.
  BatchProducer(std::shared_ptr<const Dataset> dataset, const BatchOptions& options,
                const BatchPosition& start = {});
  /// Stops the thread.
  ~BatchProducer();
  BatchProducer(const BatchProducer&) = delete;
  BatchProducer& operator=(const BatchProducer&) = delete;

  /// The next batch, or nothing after the last batch of the last epoch. Rethrows what the thread
  /// met (InputError: a broken file).
  std::optional<Batch> next();

  /// Every epoch has the same number of batches and frames.
  std::int64_t batches_per_epoch() const;
  std::int64_t frames_per_epoch() const;

 private:
  class Worker;
  std::unique_ptr<Worker> worker_;
};

}  // namespace afterglow
