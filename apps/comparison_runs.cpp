#include "apps/comparison_runs.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "apps/trainer.hpp"
#include "base/error.hpp"
#include "base/input_file.hpp"
#include "base/sha256.hpp"
#include "data/batches.hpp"
#include "nn/checkpoint.hpp"
#include "weights/manifest.hpp"
#include "weights/raw_tensors.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kShownDigits = 10;  // of an identity, in a folder's name

/// The SHA-256 of files, each read once.
class FileHashes {
 public:
  /// Empty for an empty path. Throws InputError when the file cannot be read.
  std::string of(const fs::path& path) {
    if (path.empty()) return {};
    const auto found = known_.find(path);
    if (found != known_.end()) return found->second;
    return known_[path] = sha256(read_file(path, kLargestWeightsFile, "a file of weights"));
  }

 private:
  std::map<fs::path, std::string> known_;
};

/// Of the configuration with contents in the place of paths, and nothing that does not change the
/// outcome.
std::string identity_of(TrainOptions options, const std::string& data_sha256,
                        const std::string& weights_sha256, FileHashes& hashes) {
  options.vgg16_weights = weights_sha256;
  options.init = hashes.of(options.init);
  options.backend.device.clear();
  return sha256(configuration(options, data_sha256));
}

std::vector<std::string> device_arguments(const BackendOptions& backend) {
  std::vector<std::string> arguments{"--device=" + backend.device,
                                     "--conv-algo=" + backend.convolutions,
                                     "--precision=" + backend.precision};
  if (backend.no_graphs) arguments.emplace_back("--no-graphs");
  return arguments;
}

/// "" for the way in which networks are meant to be run.
std::string suffix_of(const Inference& inference) {
  return inference == Inference{} ? "" : "-" + inference.name();
}

/// The sum of TrainingLog::step_seconds; at least one value. Steps of fewer frames, at the ends of
/// clips, are why the median is no measure.
double without_pauses(std::vector<double> seconds) {
  constexpr double kHeldUp = 4;
  const auto usual = seconds.begin() + static_cast<std::ptrdiff_t>((seconds.size() - 1) * 9 / 10);
  std::nth_element(seconds.begin(), usual, seconds.end());
  const double longest = *usual;
  double sum = 0;
  for (const double value : seconds) sum += value > kHeldUp * longest ? longest : value;
  return sum;
}

bool is_trained(const ComparedRun& run) {
  std::error_code missing;
  if (!fs::exists(run.model(), missing) || !fs::exists(run.folder / "last.h5", missing)) {
    return false;
  }
  try {
    const ModelHeader header = read_model_header(run.folder / "last.h5");
    return header.training && header.training->epoch >= run.options.epochs;
  } catch (const InputError&) {
    return false;  // train says what is wrong with it
  }
}

}  // namespace

const ClipInfo& ComparisonData::first_held_out() const {
  return *std::find_if(dataset->clips().begin(), dataset->clips().end(),
                       [this](const ClipInfo& clip) { return clip.split == held_out; });
}

ComparisonData open_comparison_data(const fs::path& path) {
  ComparisonData data;
  data.path = path;
  data.dataset = std::make_shared<const Dataset>(path);
  const Dataset& dataset = *data.dataset;
  if (dataset.header().size != kNetworkSize) {
    const std::string size = std::to_string(dataset.header().size);
    throw InputError(path.string(), "its frames are " + size + "x" + size + ", not 128x128",
                     "make it with afterglow prepare");
  }
  if (dataset.clips(Split::kTrain).empty()) {
    throw InputError(path.string(), "has no clips to train on",
                     "leave some out of --test and --val of afterglow prepare");
  }
  if (dataset.clips(Split::kTest).empty()) data.held_out = Split::kVal;
  if (dataset.clips(data.held_out).empty()) {
    throw InputError(path.string(), "has no clips held out to compare on",
                     "name some with --test or --val of afterglow prepare");
  }
  data.sha256 = data_fingerprint(dataset, FingerprintFrames::kAll, false);
  return data;
}

fs::path ComparedRun::result(const Inference& inference) const {
  return folder / ("result" + suffix_of(inference) + ".h5");
}

fs::path ComparedRun::scores(const Inference& inference) const {
  return folder / ("scores" + suffix_of(inference) + ".json");
}

std::vector<ComparedRun> make_runs(const std::vector<Configuration>& plan,
                                   const BackendOptions& backend, const ComparisonData& data,
                                   const fs::path& runs,
                                   std::vector<std::vector<std::size_t>>& run_of) {
  FileHashes hashes;
  std::string with_flow;  // the data's digest for trainings that follow it
  const auto data_sha256 = [&](const TrainOptions& options) {
    if (batch_flow(options) == BatchFlow::kNone) return data.sha256;
    require_flow(*data.dataset, "--temporal " + options.temporal);
    if (with_flow.empty()) {
      with_flow = data_fingerprint(*data.dataset, FingerprintFrames::kAll, true);
    }
    return with_flow;
  };
  std::vector<ComparedRun> made;
  std::map<std::string, std::size_t> by_identity;
  run_of.assign(plan.size(), {});
  for (std::size_t c = 0; c < plan.size(); ++c) {
    for (const std::uint64_t seed : plan[c].seeds) {
      ComparedRun run;
      run.options = training_options(plan[c], seed);
      run.options.backend = backend;
      if (const fs::path& weights = run.options.vgg16_weights; !weights.empty()) {
        run.weights_sha256 = hashes.of(weights_file(weights));
      }
      run.identity = identity_of(run.options, data_sha256(run.options), run.weights_sha256, hashes);
      const auto [found, is_new] = by_identity.try_emplace(run.identity, made.size());
      if (is_new) {
        run.name = plan[c].name + "-seed" + std::to_string(seed);
        run.folder = runs / (run.name + "-" + run.identity.substr(0, kShownDigits));
        run.train = plan[c].train;
        run.train.push_back("--seed=" + std::to_string(seed));
        BatchOptions batches;
        batches.batch = run.options.batch;
        batches.order = parse_batch_order(run.options.order, "--order");
        run.steps_per_epoch = static_cast<std::int64_t>(
            plan_epoch(data.dataset->clips(Split::kTrain), batches, 0).size());
        made.push_back(std::move(run));
      }
      run_of[c].push_back(found->second);
      std::vector<Inference>& inferences = made[found->second].inferences;
      if (std::find(inferences.begin(), inferences.end(), plan[c].inference) == inferences.end()) {
        inferences.push_back(plan[c].inference);
      }
    }
  }
  return made;
}

std::optional<Stage> next_stage(const ComparedRun& run, const BackendOptions& backend,
                                const ComparisonData& data) {
  if (fs::exists(run.diverged())) return std::nullopt;
  Stage stage;
  const auto add = [&stage](const std::vector<std::string>& arguments) {
    stage.arguments.insert(stage.arguments.end(), arguments.begin(), arguments.end());
  };
  const std::string file = data.path.string();
  if (!is_trained(run)) {
    stage.makes = run.model();
    add({"train", "--data", file, "--out", run.folder.string(), "--resume"});
    add(run.train);
    add(device_arguments(backend));
    return stage;
  }
  for (const Inference& inference : run.inferences) {
    const fs::path result = run.result(inference);
    if (fs::exists(run.scores(inference))) continue;
    if (!fs::exists(result)) {
      stage.kind = Stage::Kind::kColorize;
      stage.makes = result;
      add({"colorize", file, "--model", run.model().string(), "--out", result.string(), "--split",
           split_name(data.held_out), "--previous", inference.previous});
      if (inference.wrap) add({"--wrap"});
      add(device_arguments(backend));
      return stage;
    }
    stage.kind = Stage::Kind::kEvaluate;
    stage.makes = run.scores(inference);
    add({"evaluate", "--truth", file, "--result", result.string(), "--gray", file, "--baseline",
         file, "--json", run.scores(inference).string()});
    return stage;
  }
  return std::nullopt;
}

void TrainingLog::update(const fs::path& path) {
  std::error_code missing;
  const std::uint64_t size = fs::file_size(path, missing);
  if (missing) return;
  if (size < read_) *this = {};
  std::ifstream file(path);
  file.seekg(static_cast<std::streamoff>(read_));
  for (std::string line; std::getline(file, line) && !file.eof();) {  // eof: a line in the making
    read_ += line.size() + 1;
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    if (!entry.is_object()) continue;
    const auto number = [&entry](const char* key) {
      const auto found = entry.find(key);
      return found != entry.end() && found->is_number() ? found->get<double>() : 0.0;
    };
    const auto epoch = static_cast<std::int64_t>(number("epoch"));
    if (entry.contains("step")) {
      steps.push_back({static_cast<std::int64_t>(number("step")), epoch, number("loss"),
                       number("fidelity"), number("temporal")});
      seconds_.push_back(number("seconds"));
    } else {
      other_seconds += number("seconds");
      if (!entry.contains("validation_loss")) continue;
      validations.push_back({epoch, number("validation_loss"), number("validation_fidelity"),
                             number("validation_temporal"), entry.value("best", false)});
    }
  }
  if (!seconds_.empty()) step_seconds = without_pauses(seconds_);
}

}  // namespace afterglow
