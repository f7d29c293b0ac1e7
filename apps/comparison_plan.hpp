// Which trainings a comparison consists of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "apps/train_options.hpp"

namespace afterglow {

/// What `afterglow compare` is asked to compare.
struct ComparisonOptions {
  std::vector<std::string> archs;  // with betas: the grid; both empty: the paper's configurations
  std::vector<double> betas;
  std::vector<std::uint64_t> seeds;
  std::filesystem::path plan;       // instead of the grid
  std::vector<std::string> shared;  // options of `afterglow train` for every training, --NAME=VALUE
  std::filesystem::path vgg16_weights;
  bool vgg16_partial = false;
  std::vector<std::string> ablate;  // "paper-code", "motion", "betas"
};

/// How a trained network colours the held-out clips.
struct Inference {
  std::string previous = "own";  // --previous of `afterglow colorize`: own or baseline
  bool wrap = false;             // --wrap

  bool operator==(const Inference&) const = default;
  /// "own", "baseline", "own-wrap", ...
  std::string name() const { return previous + (wrap ? "-wrap" : ""); }
};

/// One line of the comparison: the same training with several seeds.
struct Configuration {
  std::string name;                // "alexnet-beta0.8"; letters, digits, . _ -
  std::string departs;             // in what it departs from the paper's method; may be empty
  std::vector<std::string> train;  // options of `afterglow train`, --NAME=VALUE, but the seed
  std::vector<std::uint64_t> seeds;
  Inference inference;
};

/// The lines of the comparison, of different names. Throws InputError that names the option, or the
/// plan's file and section, that cannot be used.
std::vector<Configuration> make_plan(const ComparisonOptions& options);

/// What a configuration asks of `afterglow train`, checked. Throws InputError.
TrainOptions training_options(const Configuration& configuration, std::uint64_t seed);

}  // namespace afterglow
