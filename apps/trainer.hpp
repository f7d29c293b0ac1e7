// The training loop: steps, validation, checkpoints, and going on after an interruption to the same
// bits.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "apps/event_file.hpp"
#include "apps/run_folder.hpp"
#include "apps/train_options.hpp"
#include "apps/training_step.hpp"
#include "base/progress.hpp"
#include "nn/checkpoint.hpp"

namespace afterglow {

class Trainer {
 public:
  /// Opens data, run folder and device, makes or loads the network. Throws InputError.
  explicit Trainer(const TrainOptions& options);

  /// Trains to the end. Throws Interrupted after a signal, with everything saved, and RunError when
  /// the loss is no longer a number or the disk is full; the last checkpoint then stays.
  void run();

  /// A line on what is trained, on what, and where.
  std::string description() const;
  const RunFolder& folder() const { return folder_; }

 private:
  void start();
  void resume();
  void step(const Batch& batch);
  void record_step(const TemporalMseValue& parts, std::int64_t frames, double seconds);
  /// Validates and saves; the epoch is over when this returns.
  void end_epoch();
  TemporalMseValue validate();
  /// With --bn reestimate: sets the running statistics for inference. Training itself never reads
  /// them, so it goes on to the same bits.
  void set_norms();
  void save_last();
  void write_checkpoint();
  /// Saves and throws Interrupted.
  [[noreturn]] void stop();
  std::int64_t frames_left() const;

  TrainOptions options_;
  std::shared_ptr<const Dataset> dataset_;
  RunFolder folder_;
  std::string why_not_cuda_;
  std::shared_ptr<Backend> backend_;
  std::string configuration_;
  std::unique_ptr<ColorizationModel> model_;
  std::optional<Adam> adam_;
  std::optional<TrainingStep> step_;
  TrainingState state_;
  std::optional<EventFile> events_;  // with --tensorboard
  std::optional<BatchProducer> batches_;
  std::optional<Progress> progress_;
  std::int64_t frames_done_ = 0;
  std::string note_;  // the last validation loss, for the progress line
  std::chrono::steady_clock::time_point saved_;
};

/// Which frames of a clip tell data apart: the first and the last, quickly, or all of them.
enum class FingerprintFrames { kEnds, kAll };

/// What tells data apart: SHA-256 over header, clips, and frames of each, their flow too if asked
/// for: what does not learn from it is the same with and without.
std::string data_fingerprint(const Dataset& dataset, FingerprintFrames frames, bool with_flow);

/// Throws InputError when a clip has no flow. option: for the message, what needs it.
void require_flow(const Dataset& dataset, const std::string& option);

}  // namespace afterglow
