// What `afterglow train` is asked to do: options, their limits, and the configuration that a run
// keeps.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "data/batches.hpp"
#include "kernels/device.hpp"

namespace CLI {
class App;
}

namespace afterglow {

struct TrainOptions {
  std::filesystem::path data;
  std::filesystem::path out;
  std::string arch;
  std::string decoder = "upsample";
  double beta = 0.8;
  std::int64_t epochs = 20;
  std::int64_t steps = 600;  // steady networks: these instead of epochs
  int batch = 16;
  double learning_rate = 1e-3;
  double clip_norm = 0;            // 0: none
  std::string temporal = "plain";  // or "masked", "warped": the temporal term follows the flow
  std::string order = "shuffled-clips";
  std::string previous = "baseline";  // or "own"
  int unroll = 4;                     // own: steps that gradients go through
  bool stop_gradient = false;         // own: no gradients from step to step
  bool loss_corner = false;           // the loss sees the bottom right quarter of frames alone
  std::string norms = "reestimate";   // or "keras": the batch norms' statistics for inference
  std::filesystem::path init;         // empty: fresh weights
  bool init_optimizer = false;        // Adam's state from there too
  std::filesystem::path vgg16_weights;
  bool vgg16_partial = false;
  std::uint64_t seed = 1;
  BackendOptions backend;
  std::int64_t save_every = 0;  // steps between checkpoints inside an epoch; 0: by time alone
  bool tensorboard = false;     // event files in the run folder
  bool resume = false;
};

/// The shortest text that is read as the same number.
std::string number_text(double value);

/// Adds the options that decide what is learnt: all but --data, --out, the device's, --save-every,
/// --tensorboard and --resume.
void add_learning_options(CLI::App& command, TrainOptions& options);

/// Gives the options of a steady network (--arch steady, flow-average) that the command line does
/// not name their values for it; those of the paper's networks have theirs. Throws InputError for
/// one that is named and does not go with the network.
void complete_options(const CLI::App& command, TrainOptions& options);

/// Throws InputError that names the first option with an impossible value, or that does not go
/// with another.
void check_options(const TrainOptions& options);

/// The flow that comes along with what these options learn from.
BatchFlow batch_flow(const TrainOptions& options);

/// The effective configuration as TOML that `--config` reads. Its first line, a comment, names the
/// data by fingerprint.
std::string configuration(const TrainOptions& options, const std::string& data_fingerprint);

/// Throws InputError that names the first option whose value would lead a run away from its
/// configuration so far: all but --epochs, which may grow, and those that do not change the result
/// (--out, --data if the data is the same, --device, --save-every).
void check_same_configuration(const std::string& so_far, const std::string& now,
                              const std::filesystem::path& run);

}  // namespace afterglow
