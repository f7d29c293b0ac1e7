#include "apps/train_options.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <map>
#include <sstream>
#include <vector>

#include "base/error.hpp"
#include "data/steady_streams.hpp"
#include "nn/models/colorization_model.hpp"
#include "nn/models/steady.hpp"

namespace afterglow {
namespace {

constexpr std::int64_t kMostEpochs = 1'000'000;
constexpr int kMostFrames =
    1024;  // a batch; far beyond the memory that any of these networks needs
constexpr std::int64_t kMostSteps = 1'000'000'000;
constexpr const char* kDataKey = "# data";

void check_range(const std::string& option, double value, double low, double high) {
  if (value >= low && value <= high) return;  // NaN is in no range
  throw InputError(option, number_text(value) + " is out of range",
                   "use " + number_text(low) + " to " + number_text(high));
}

void check_one_of(const std::string& option, const std::string& value, const std::string& first,
                  const std::string& second) {
  if (value == first || value == second) return;
  throw InputError(option, "'" + value + "' is not known", "use " + first + " or " + second);
}

/// A TOML string; literal ('...') where the text itself has what a basic one would interpret.
std::string quoted(const std::string& text) {
  const char quote = text.find_first_of("\"\\") == std::string::npos ? '"' : '\'';
  return quote + text + quote;
}

std::map<std::string, std::string> parse_configuration(const std::string& text) {
  std::map<std::string, std::string> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) values[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return values;
}

void check_learning_rate(double rate) {
  check_range("--lr", rate, 0, 1000);
  if (rate == 0) throw InputError("--lr", "0 learns nothing", "use a rate such as 0.001");
}

/// Of a steady network.
void check_steady_options(const TrainOptions& options) {
  check_range("--steps", static_cast<double>(options.steps), 1, kMostSteps);
  check_range("--batch", options.batch, 1, kMostFrames);
  check_range("--unroll", options.unroll, 1, SteadyStreams::kStreamFrames);
  check_range("--save-every", static_cast<double>(options.save_every), 0, kMostSteps);
  check_range("--clip-norm", options.clip_norm, 0, 1e9);
  check_learning_rate(options.learning_rate);
}

/// What a run of one of the paper's networks does.
void write_papers(const TrainOptions& options, std::ostream& text) {
  const auto flag = [](bool value) { return value ? "true" : "false"; };
  text << "decoder=" << quoted(options.decoder) << '\n'
       << "beta=" << number_text(options.beta) << '\n'
       << "epochs=" << options.epochs << '\n'
       << "batch=" << options.batch << '\n'
       << "lr=" << number_text(options.learning_rate) << '\n'
       << "clip-norm=" << number_text(options.clip_norm) << '\n'
       << "order=" << quoted(options.order) << '\n'
       << "previous=" << quoted(options.previous) << '\n'
       << "unroll=" << options.unroll << '\n'
       << "stop-gradient=" << flag(options.stop_gradient) << '\n'
       << "bn=" << quoted(options.norms) << '\n';
  if (options.loss_corner) text << "loss-corner=true\n";
  if (options.temporal != "plain") text << "temporal=" << quoted(options.temporal) << '\n';
  if (!options.init.empty()) {
    text << "init=" << quoted(options.init.string()) << '\n'
         << "init-optimizer=" << flag(options.init_optimizer) << '\n';
  }
  if (!options.vgg16_weights.empty()) {
    text << "vgg16-weights=" << quoted(options.vgg16_weights.string()) << '\n'
         << "vgg16-partial=" << flag(options.vgg16_partial) << '\n';
  }
}

/// What a run of a steady network keeps of its options.
void write_steady(const TrainOptions& options, std::ostream& text) {
  text << "steps=" << options.steps << '\n'
       << "batch=" << options.batch << '\n'
       << "lr=" << number_text(options.learning_rate) << '\n'
       << "clip-norm=" << number_text(options.clip_norm) << '\n'
       << "unroll=" << options.unroll << '\n';
  if (!options.init.empty()) text << "init=" << quoted(options.init.string()) << '\n';
}

}  // namespace

std::string number_text(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    return std::to_string(static_cast<std::int64_t>(value));
  }
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

void complete_options(const CLI::App& command, TrainOptions& options) {
  const auto refuse = [&](const std::string& option) {
    if (command.count(option) == 0) return;
    throw InputError(option, "does not go with --arch " + options.arch, "leave it out");
  };
  if (!is_steady_arch(options.arch)) {
    parse_arch(options.arch);
    refuse("--steps");
    return;
  }
  for (const char* of_the_papers :
       {"--decoder", "--beta", "--temporal", "--epochs", "--order", "--previous", "--stop-gradient",
        "--loss-corner", "--bn", "--init-optimizer", "--vgg16-weights", "--vgg16-partial"}) {
    refuse(of_the_papers);
  }
  if (command.count("--batch") == 0) options.batch = 8;
  if (command.count("--unroll") == 0) options.unroll = 6;
  if (command.count("--lr") == 0) options.learning_rate = 5e-4;
  if (command.count("--clip-norm") == 0) options.clip_norm = 1;
}

void check_options(const TrainOptions& options) {
  if (is_steady_arch(options.arch)) {
    check_steady_options(options);
    return;
  }
  parse_arch(options.arch);
  parse_decoder(options.decoder);
  parse_batch_order(options.order, "--order");
  check_one_of("--previous", options.previous, "baseline", "own");
  check_one_of("--bn", options.norms, "reestimate", "keras");
  check_range("--beta", options.beta, 0, 1);
  check_range("--epochs", static_cast<double>(options.epochs), 1, kMostEpochs);
  check_range("--batch", options.batch, 1, kMostFrames);
  check_range("--unroll", options.unroll, 1, kMostFrames);
  check_range("--save-every", static_cast<double>(options.save_every), 0, kMostSteps);
  check_range("--clip-norm", options.clip_norm, 0, 1e9);
  check_learning_rate(options.learning_rate);
  if (options.previous == "own" && options.order == "shuffled-frames") {
    throw InputError("--order shuffled-frames", "has no frame before to predict from",
                     "use another order or --previous baseline");
  }
  if (batch_flow(options) != BatchFlow::kNone) {
    const std::string option = "--temporal " + options.temporal;
    if (options.order == "shuffled-frames") {
      throw InputError(option, "needs frames that follow each other, not shuffled ones",
                       "use another --order or --temporal plain");
    }
    if (options.loss_corner) {
      throw InputError(option, "does not go with --loss-corner", "leave one of them out");
    }
  }
  if (options.previous == "baseline" && options.stop_gradient) {
    throw InputError("--stop-gradient", "goes with --previous own alone",
                     "leave it out or use --previous own");
  }
  if (options.arch == "alexnet" && !options.vgg16_weights.empty()) {
    throw InputError("--vgg16-weights", "goes with --arch vgg16 alone",
                     "leave it out or use --arch vgg16");
  }
  if (options.vgg16_partial && options.vgg16_weights.empty()) {
    throw InputError("--vgg16-partial", "goes with --vgg16-weights alone",
                     "leave it out or give --vgg16-weights");
  }
  if (!options.init.empty() && !options.vgg16_weights.empty()) {
    throw InputError("--init", "and --vgg16-weights both fill the encoder", "leave one out");
  }
  if (options.init_optimizer && options.init.empty()) {
    throw InputError("--init-optimizer", "goes with --init alone", "leave it out or give --init");
  }
}

BatchFlow batch_flow(const TrainOptions& options) {
  if (options.temporal == "plain") return BatchFlow::kNone;
  if (options.temporal == "masked") return BatchFlow::kStill;
  if (options.temporal == "warped") return BatchFlow::kAll;
  throw InputError("--temporal", "'" + options.temporal + "' is not known",
                   "use plain, masked or warped");
}

std::string configuration(const TrainOptions& options, const std::string& data_fingerprint) {
  std::ostringstream text;
  text << kDataKey << '=' << data_fingerprint << "\n[train]\n"
       << "data=" << quoted(options.data.string()) << '\n'
       << "out=" << quoted(options.out.string()) << '\n'
       << "arch=" << quoted(options.arch) << '\n';
  if (is_steady_arch(options.arch)) {
    write_steady(options, text);
  } else {
    write_papers(options, text);
  }
  text << "seed=" << options.seed << '\n'
       << "device=" << quoted(options.backend.device) << '\n'
       << "conv-algo=" << quoted(options.backend.convolutions) << '\n'
       << "precision=" << quoted(options.backend.precision) << '\n'
       << "save-every=" << options.save_every << '\n';
  return text.str();
}

void check_same_configuration(const std::string& so_far, const std::string& now,
                              const std::filesystem::path& run) {
  auto before = parse_configuration(so_far);
  auto after = parse_configuration(now);
  for (const char* free : {"data", "out", "device", "conv-algo", "precision", "save-every"}) {
    before.erase(free);
    after.erase(free);
  }
  const bool same_data = before[kDataKey] == after[kDataKey];
  before.erase(kDataKey);
  after.erase(kDataKey);
  const auto epochs = after.find("epochs");
  if (epochs != after.end() &&
      std::stoll(epochs->second) < std::strtoll(before["epochs"].c_str(), nullptr, 10)) {
    throw InputError("--epochs", "is below the " + before["epochs"] + " of " + run.string(),
                     "give as many or more, or another --out");
  }
  before.erase("epochs");
  after.erase("epochs");
  auto keys = before;
  keys.insert(after.begin(), after.end());
  const auto value_in = [](const std::map<std::string, std::string>& values,
                           const std::string& key) {
    const auto found = values.find(key);
    return found == values.end() ? std::string("not given") : found->second;
  };
  for (const auto& [key, ignored] : keys) {
    const std::string was = value_in(before, key);
    const std::string is = value_in(after, key);
    if (was != is) {
      throw InputError("--" + key, "is " + is + ", but was " + was + " in " + run.string(),
                       "resume with the same options or give another --out");
    }
  }
  // Last: which data counts (its flow, too) depends on the options.
  if (!same_data) {
    throw InputError("--data", "is not the data that " + run.string() + " was trained on",
                     "give that file or another --out");
  }
}

}  // namespace afterglow
