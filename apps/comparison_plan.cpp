#include "apps/comparison_plan.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <map>
#include <utility>

#include "base/error.hpp"
#include "nn/models/colorization_model.hpp"

namespace afterglow {
namespace {

constexpr const char* kPaperCode = "paper-code";
constexpr const char* kMotion = "motion";
constexpr const char* kBetas = "betas";

/// Keys of a plan that are no options of `afterglow train`.
constexpr const char* kSeeds = "seeds";
constexpr const char* kDeparts = "departs";
constexpr const char* kColorizePrevious = "colorize-previous";
constexpr const char* kColorizeWrap = "colorize-wrap";

Configuration configuration_of(const ComparisonOptions& options, const std::string& arch,
                               double beta) {
  Configuration result;
  result.name = arch + "-beta" + number_text(beta);
  result.train = {"--arch=" + arch, "--beta=" + number_text(beta)};
  result.seeds = options.seeds;
  return result;
}

std::vector<Configuration> make_grid(const ComparisonOptions& options) {
  if (options.archs.empty() && options.betas.empty()) {
    return {configuration_of(options, "alexnet", 0.8), configuration_of(options, "vgg16", 1),
            configuration_of(options, "vgg16", 0.8)};
  }
  const std::vector<std::string> archs =
      options.archs.empty() ? std::vector<std::string>{"alexnet", "vgg16"} : options.archs;
  const std::vector<double> betas =
      options.betas.empty() ? std::vector<double>{0.8} : options.betas;
  std::vector<Configuration> grid;
  for (const std::string& arch : archs) {
    for (const double beta : betas) grid.push_back(configuration_of(options, arch, beta));
  }
  return grid;
}

/// A key's values in one section of a plan.
using Section = std::map<std::string, std::vector<std::string>>;

std::string only_value(const std::string& subject, const std::vector<std::string>& values) {
  if (values.size() == 1) return values.front();
  throw InputError(subject, "takes one value", "give one, or one section for each");
}

std::string one_of(const std::string& subject, const std::string& value, const std::string& first,
                   const std::string& second) {
  if (value == first || value == second) return value;
  throw InputError(subject, "'" + value + "' is not known", "use " + first + " or " + second);
}

std::uint64_t seed_of(const std::string& subject, const std::string& text) {
  std::uint64_t seed = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, seed);
  if (error == std::errc() && stop == end) return seed;
  throw InputError(subject, "'" + text + "' is no seed", "use whole numbers from 0");
}

Configuration configuration_of(const ComparisonOptions& options, const std::string& name,
                               const Section& section) {
  Configuration result;
  result.name = name;
  result.seeds = options.seeds;
  for (const auto& [key, values] : section) {
    const std::string subject = options.plan.string() + " [" + name + "] " + key;
    if (key == kSeeds) {
      result.seeds.clear();
      for (const std::string& value : values) result.seeds.push_back(seed_of(subject, value));
    } else if (key == kDeparts) {
      for (const std::string& word : values) {
        result.departs += (result.departs.empty() ? "" : " ") + word;
      }
    } else if (key == kColorizePrevious) {
      result.inference.previous = one_of(subject, only_value(subject, values), "own", "baseline");
    } else if (key == kColorizeWrap) {
      result.inference.wrap =
          one_of(subject, only_value(subject, values), "true", "false") == "true";
    } else if (key == "seed" || key == "help") {
      throw InputError(subject, "does not stand in a plan",
                       key == "seed" ? "write seeds = [1, 2, 3]" : "leave it out");
    } else {
      result.train.push_back("--" + key + "=" + only_value(subject, values));
    }
  }
  return result;
}

std::vector<Configuration> read_plan(const ComparisonOptions& options) {
  const std::string file = options.plan.string();
  std::ifstream stream(options.plan);
  if (!stream || std::filesystem::is_directory(options.plan)) {
    throw InputError(file, "cannot be read", "give a TOML file with one section a configuration");
  }
  std::vector<std::string> names;
  std::map<std::string, Section> sections;
  Section common;  // keys before the first section
  for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_config(stream)) {
    if (item.name == "++" || item.name == "--") continue;  // a section's begin and end
    std::string name;  // CLI11 takes the dot in [alexnet-beta0.8] for a level
    for (const std::string& part : item.parents) name += (name.empty() ? "" : ".") + part;
    if (name.empty()) {
      common[item.name] = item.inputs;
      continue;
    }
    if (!sections.contains(name)) names.push_back(name);
    sections[name][item.name] = item.inputs;
  }
  if (names.empty()) {
    throw InputError(file, "has no section",
                     "give one a configuration: [name], arch = \"alexnet\"");
  }
  std::vector<Configuration> plan;
  for (const std::string& name : names) {
    Section section = sections[name];
    section.insert(common.begin(), common.end());
    plan.push_back(configuration_of(options, name, section));
  }
  return plan;
}

/// What one row of --ablate does otherwise than the method.
struct Departure {
  const char* name;
  const char* departs;
  const char* train;  // an option, or null
  Inference inference;
};

/// The departures of the authors' published code from their method, and choices that they had.
std::vector<Departure> paper_code() {
  return {
      Departure{"shuffled-frames",
                "paper's code: frames of a clip shuffled in training",
                "--order=shuffled-frames",
                {}},
      Departure{"corner-loss",
                "paper's code: the loss sees the bottom right quarter alone",
                "--loss-corner=true",
                {}},
      Departure{"previous-baseline",
                "paper's code: the previous frame at inference is the input's",
                nullptr,
                {.previous = "baseline"}},
      Departure{"wrap",
                "paper's code: values above 255 wrap round instead of being clamped",
                nullptr,
                {.wrap = true}},
      Departure{"own-outputs", "trained on its own outputs, as it is run", "--previous=own", {}},
      Departure{"deconv", "poster: decoder of deconvolutions", "--decoder=deconv", {}},
  };
}

/// Temporal terms that take no motion of the truth for a fault.
std::vector<Departure> motion() {
  return {
      Departure{"temporal-masked",
                "the temporal term counts still, visible pixels alone",
                "--temporal=masked",
                {}},
      Departure{"temporal-warped", "the temporal term follows the motion", "--temporal=warped", {}},
  };
}

/// Departures one at a time on AlexNet with beta 0.8, with the first seed.
std::vector<Configuration> departing(const std::vector<Departure>& departures,
                                     const ComparisonOptions& options) {
  std::vector<Configuration> rows;
  for (const Departure& departure : departures) {
    Configuration row = configuration_of(options, "alexnet", 0.8);
    row.name += std::string("-") + departure.name;
    row.departs = departure.departs;
    row.seeds.resize(1);
    if (departure.train != nullptr) row.train.emplace_back(departure.train);
    row.inference = departure.inference;
    rows.push_back(row);
  }
  return rows;
}

/// AlexNet from beta 0, frames that stay as they are, to 1, no temporal term, with the first seed;
/// 0.8 is there with every ablation.
std::vector<Configuration> beta_sweep(const ComparisonOptions& options) {
  std::vector<Configuration> rows;
  for (const double beta : {0.0, 0.2, 0.4, 0.6, 1.0}) {
    rows.push_back(configuration_of(options, "alexnet", beta));
    rows.back().seeds.resize(1);
  }
  return rows;
}

std::vector<Configuration> ablation_rows(const std::string& ablation,
                                         const ComparisonOptions& options) {
  if (ablation == kBetas) return beta_sweep(options);
  return departing(ablation == kMotion ? motion() : paper_code(), options);
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && name.front() != '.' && name.size() <= 100 &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
         });
}

void check_lists(const ComparisonOptions& options) {
  if (!options.plan.empty() && !(options.archs.empty() && options.betas.empty())) {
    throw InputError("--plan", "says which networks and betas there are",
                     "leave out --archs and --betas, or --plan");
  }
  if (options.vgg16_partial && options.vgg16_weights.empty()) {
    throw InputError("--vgg16-partial", "goes with --vgg16-weights alone",
                     "leave it out or give --vgg16-weights");
  }
  for (const std::string& ablation : options.ablate) {
    if (ablation != kPaperCode && ablation != kMotion && ablation != kBetas) {
      throw InputError("--ablate", "'" + ablation + "' is not known",
                       std::string("use ") + kPaperCode + ", " + kMotion + " or " + kBetas);
    }
  }
}

/// Whether a training option is said already, by a configuration itself.
bool says(const Configuration& configuration, const std::string& option) {
  const std::string name = option.substr(0, option.find('=') + 1);
  return std::any_of(configuration.train.begin(), configuration.train.end(),
                     [&](const std::string& other) { return other.starts_with(name); });
}

void complete(Configuration& configuration, const ComparisonOptions& options) {
  for (const std::string& option : options.shared) {
    if (!says(configuration, option)) configuration.train.push_back(option);
  }
  const bool is_vgg16 = std::find(configuration.train.begin(), configuration.train.end(),
                                  "--arch=vgg16") != configuration.train.end();
  if (!is_vgg16 || options.vgg16_weights.empty()) return;
  configuration.train.push_back("--vgg16-weights=" + options.vgg16_weights.string());
  if (options.vgg16_partial) configuration.train.emplace_back("--vgg16-partial=true");
}

void check_seeds(const Configuration& configuration) {
  std::vector<std::uint64_t> seeds = configuration.seeds;
  std::sort(seeds.begin(), seeds.end());
  if (!seeds.empty() && std::adjacent_find(seeds.begin(), seeds.end()) == seeds.end()) return;
  throw InputError("--seeds", "of " + configuration.name + " are none, or one of them twice",
                   "give each seed once");
}

}  // namespace

TrainOptions training_options(const Configuration& configuration, std::uint64_t seed) {
  TrainOptions options;
  CLI::App parser;
  parser.set_help_flag();
  add_learning_options(parser, options);
  std::vector<std::string> arguments = configuration.train;
  arguments.push_back("--seed=" + std::to_string(seed));
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    parser.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    throw InputError(configuration.name, error.what(), "see afterglow train --help");
  }
  try {
    parse_arch(options.arch);  // of the paper's networks
    complete_options(parser, options);
    check_options(options);
  } catch (const InputError& error) {
    throw InputError(configuration.name + ": " + error.what());
  }
  return options;
}

std::vector<Configuration> make_plan(const ComparisonOptions& options) {
  check_lists(options);
  std::vector<Configuration> plan = options.plan.empty() ? make_grid(options) : read_plan(options);
  const auto named = [&plan](const std::string& name) {
    return std::any_of(plan.begin(), plan.end(),
                       [&](const Configuration& other) { return other.name == name; });
  };
  for (const std::string& ablation : options.ablate) {
    // What the departures are compared with must be there.
    const Configuration base = configuration_of(options, "alexnet", 0.8);
    if (!named(base.name)) plan.push_back(base);
    for (const Configuration& row : ablation_rows(ablation, options)) {
      // Of the sweep, what the grid has already is there with all its seeds.
      if (ablation != kBetas || !named(row.name)) plan.push_back(row);
    }
  }
  for (std::size_t i = 0; i < plan.size(); ++i) {
    Configuration& configuration = plan[i];
    if (!is_plain_name(configuration.name)) {
      throw InputError(options.plan.string() + " [" + configuration.name + "]",
                       "is no name for a folder", "use letters, digits, '.', '_' and '-'");
    }
    const auto same = [&](const Configuration& other) { return other.name == configuration.name; };
    if (std::count_if(plan.begin(), plan.end(), same) > 1) {
      throw InputError(configuration.name, "stands twice in what is to be compared",
                       "give each network, beta and section once");
    }
    complete(configuration, options);
    check_seeds(configuration);
    for (const std::uint64_t seed : configuration.seeds) training_options(configuration, seed);
  }
  return plan;
}

}  // namespace afterglow
