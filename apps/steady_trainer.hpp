// The training of a steady network: unrolled over streams of frames, on its own outputs.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/event_file.hpp"
#include "apps/run_folder.hpp"
#include "apps/train_options.hpp"
#include "base/progress.hpp"
#include "data/steady_streams.hpp"
#include "nn/checkpoint.hpp"
#include "nn/models/steady_loss.hpp"

namespace afterglow {

class SteadyTrainer {
 public:
  /// Opens data, run folder and device, makes or loads the network. Throws InputError.
  explicit SteadyTrainer(const TrainOptions& options);

  /// Trains to the end. Throws Interrupted after a signal, with everything saved, and RunError when
  /// the loss is no longer a number or the disk is full; the last checkpoint then stays.
  void run();

  /// A line on what is trained, on what, and where.
  std::string description() const;
  const RunFolder& folder() const { return folder_; }

 private:
  void start();
  void resume();
  void step(const std::vector<StreamFrames>& frames);
  SteadyFrames planes_of(const StreamFrames& frames) const;
  SteadyTruth truth_of(const StreamFrames& frames, const SteadyFrames& planes) const;
  Tensor plane(const std::vector<float>& values, std::int64_t channels) const;
  double learning_rate() const;
  void write_checkpoint();
  [[noreturn]] void stop();

  TrainOptions options_;
  std::shared_ptr<const FilmSet> films_;
  RunFolder folder_;
  std::string why_not_cuda_;
  std::shared_ptr<Backend> backend_;
  std::string configuration_;
  std::unique_ptr<SteadyModel> model_;
  std::optional<Adam> adam_;
  StreamOptions streams_of_;
  SteadyTraining training_;
  std::optional<EventFile> events_;  // with --tensorboard
  std::optional<SteadyStreams> streams_;
  std::optional<Progress> progress_;
  std::int64_t begun_ = 0;  // steps before this call
  std::chrono::steady_clock::time_point saved_;
};

}  // namespace afterglow
