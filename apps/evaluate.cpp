// `afterglow evaluate`: how good and how steady a colour film is, beside the truth and the trivial
// methods.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/commands.hpp"
#include "apps/configuration.hpp"
#include "apps/sequences.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/output_file.hpp"
#include "base/progress.hpp"
#include "data/colour.hpp"
#include "data/contact_sheet.hpp"
#include "data/dataset.hpp"
#include "data/metrics.hpp"
#include "data/pairing.hpp"
#include "nn/models/colorization_model.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

constexpr int kSheetFrames = 7;
constexpr const char* kGray = "gray";

struct EvaluateCommand {
  std::vector<fs::path> truth, result, gray, baseline;
  fs::path json, sheet;
  std::string fit = "resize";
  bool halved = false;
};

/// What is compared with the truth. `key` stands in the JSON file, `label` in table and sheet.
struct Row {
  std::string key;
  std::string label;
  std::vector<Sequence> clips;
  bool halved = false;  // the row before with its chroma halved
};

/// One clip of every row, frame by frame, all at one size.
class Comparison {
 public:
  Comparison(const std::vector<Row>& rows, std::size_t clip, Fit fit) : rows_(rows), fit_(fit) {
    for (const Row& row : rows) {
      names_.push_back(row.halved ? "" : row.clips[clip].name);
      readers_.push_back(row.halved ? nullptr : row.clips[clip].open());
    }
  }

  const FramesInfo& truth_info() const { return readers_.front()->info(); }

  /// The next frame of every row, in their order; nothing at the end.
  std::optional<std::vector<Picture>> read() {
    std::vector<Picture> pictures;
    bool ended = false;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (rows_[i].halved) {
        if (!ended) pictures.push_back(halve_chroma(pictures.back()));
        continue;
      }
      std::optional<Frame> frame = readers_[i]->read();
      if (i == 0) {
        ended = !frame;
      } else if (ended && frame) {
        refuse_lengths(names_[0], names_[i], frames_, *readers_[i]);
      } else if (!ended && !frame) {
        refuse_lengths(names_[i], names_[0], frames_, *readers_[0]);
      }
      if (frame) pictures.push_back(at_size(std::move(frame->picture), names_[i]));
    }
    if (ended) return std::nullopt;
    ++frames_;
    return pictures;
  }

 private:
  /// Everything is compared at the truth's size; where the result is the network's own picture,
  /// at that, with frames cropped or resized as they were for the network.
  Picture at_size(Picture picture, const std::string& name) const {
    const FramesInfo& truth = truth_info();
    const FramesInfo& result = readers_.back()->info();
    const bool network = result.width == kNetworkSide && result.height == kNetworkSide;
    const int width = network ? kNetworkSide : truth.width;
    const int height = network ? kNetworkSide : truth.height;
    if (picture.width == width && picture.height == height) return picture;
    if (network && fit_ == Fit::kCrop) return crop_centre(picture, kNetworkSide, name);
    return resize_area(picture, width, height);
  }

  const std::vector<Row>& rows_;
  Fit fit_;
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<FrameReader>> readers_;  // null for halved rows
  std::int64_t frames_ = 0;
};

/// The scores of every row in one clip.
std::vector<Scores> score_clip(const std::vector<Row>& rows, std::size_t clip, Fit fit) {
  Comparison comparison(rows, clip, fit);
  Progress progress(rows[0].clips[clip].id, comparison.truth_info().count, "frames");
  std::vector<ClipScorer> scorers(rows.size());
  std::int64_t done = 0;
  while (const auto pictures = comparison.read()) {
    throw_if_interrupted();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      scorers[i].push((*pictures)[i], pictures->front());
    }
    progress.update(++done);
  }
  std::vector<Scores> scores;
  for (const ClipScorer& scorer : scorers) {
    scores.push_back(scorer.scores(comparison.truth_info().fps, scorers.front()));
  }
  return scores;
}

/// Truth, gray (made from the truth when not given), per-frame input and result in seven frames of
/// the first clip.
Picture draw_sheet(const std::vector<Row>& rows, std::int64_t frames, Fit fit) {
  const std::vector<std::int64_t> shown = evenly_spaced(frames, kSheetFrames);
  const bool gray_given = rows[1].key == kGray;
  std::vector<SheetRow> sheet;
  for (const Row& row : rows) {
    if (!row.halved) sheet.push_back({row.label, {}});
    if (sheet.size() == 1 && !gray_given) sheet.push_back({"gray", {}});
  }
  Comparison comparison(rows, 0, fit);
  for (std::int64_t index = 0; const auto pictures = comparison.read(); ++index) {
    throw_if_interrupted();
    if (!std::binary_search(shown.begin(), shown.end(), index)) continue;
    std::size_t line = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!rows[i].halved) sheet[line++].frames.push_back((*pictures)[i]);
      if (i == 0 && !gray_given) sheet[line++].frames.push_back(gray_picture((*pictures)[i]));
    }
  }
  return contact_sheet(sheet);
}

nlohmann::json json_of(const std::optional<double>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

nlohmann::json json_of(const Scores& scores) {
  return {{"frames", scores.frames},
          {"psnr", json_of(scores.psnr)},
          {"pixel_match_percent", json_of(scores.pixel_match_percent)},
          {"temporal_mse", json_of(scores.temporal_mse)},
          {"flicker", json_of(scores.flicker)},
          {"colorfulness", json_of(scores.colorfulness)}};
}

void print_number(const std::optional<double>& value, int width, int digits) {
  if (value) {
    std::printf("  %*.*f", width, digits, *value);
  } else {
    std::printf("  %*s", width, "-");
  }
}

void print_table(const std::string& title, const std::vector<Row>& rows,
                 const std::vector<Scores>& scores) {
  std::printf("%-24s  %8s  %7s  %12s  %8s  %12s\n", title.c_str(), "PSNR dB", "match %",
              "temporal MSE", "flicker", "colourful");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::printf("  %-22s", rows[i].label.c_str());
    print_number(scores[i].psnr, 8, 2);
    print_number(scores[i].pixel_match_percent, 7, 2);
    print_number(scores[i].temporal_mse, 12, 2);
    print_number(scores[i].flicker, 8, 3);
    print_number(scores[i].colorfulness, 12, 2);
    std::printf("\n");
  }
}

/// All rows, the truth first, the result last; clips in the result's order.
std::vector<Row> make_rows(const EvaluateCommand& command) {
  const std::vector<Sequence> results = list_sequences(command.result, Part::kResult);
  const std::vector<Sequence> truths = list_sequences(command.truth, Part::kTruth);
  std::vector<Row> rows;
  rows.push_back({"truth", "truth", match_sequences(results, truths, "--truth")});
  if (!command.gray.empty()) {
    rows.push_back({kGray, "gray",
                    match_sequences(results, list_sequences(command.gray, Part::kGray), "--gray")});
  }
  if (!command.baseline.empty()) {
    rows.push_back({"baseline", "input",
                    match_sequences(results, list_sequences(command.baseline, Part::kBaseline),
                                    "--baseline")});
  }
  if (command.halved) rows.push_back({"baseline_halved", "input, chroma halved", {}, true});
  rows.push_back({"result", "afterglow", results});
  for (const Sequence& truth : truths) {
    const auto& used = rows.front().clips;
    if (truth.one_of_many || std::any_of(used.begin(), used.end(), [&](const Sequence& sequence) {
          return sequence.name == truth.name;
        })) {
      continue;
    }
    throw InputError(truth.name, "has no partner among the files of --result",
                     "give as many results as truths");
  }
  return rows;
}

void evaluate(const EvaluateCommand& command) {
  if (command.halved && command.baseline.empty()) {
    throw InputError("--halved", "halves the chroma of --baseline", "give --baseline too");
  }
  for (const fs::path& output : {command.json, command.sheet}) {
    if (output.empty()) continue;
    for (const auto& inputs : {command.truth, command.result, command.gray, command.baseline}) {
      refuse_overwriting(output, expand_folders(inputs));
    }
    const OutputFile probe(output);  // throws now, not after hours of work
  }
  const Fit fit = parse_fit(command.fit, "--fit");
  const std::vector<Row> rows = make_rows(command);
  std::vector<std::vector<Scores>> by_row(rows.size());
  nlohmann::json clips = nlohmann::json::array();
  const std::size_t count = rows.back().clips.size();
  for (std::size_t clip = 0; clip < count; ++clip) {
    const std::vector<Scores> scores = score_clip(rows, clip, fit);
    nlohmann::json entry = {{"id", rows.back().clips[clip].id}, {"frames", scores[0].frames}};
    for (std::size_t i = 0; i < rows.size(); ++i) {
      entry[rows[i].key] = json_of(scores[i]);
      by_row[i].push_back(scores[i]);
    }
    clips.push_back(entry);
    print_table(rows.back().clips[clip].id, rows, scores);
  }
  std::vector<Scores> means;
  for (const std::vector<Scores>& scores : by_row) means.push_back(mean_scores(scores));
  if (count > 1) print_table("mean of " + std::to_string(count) + " clips", rows, means);

  if (!command.sheet.empty()) {
    write_picture(command.sheet, draw_sheet(rows, by_row[0][0].frames, fit));
  }
  if (!command.json.empty()) {
    nlohmann::json mean = {{"frames", means[0].frames}};
    for (std::size_t i = 0; i < rows.size(); ++i) mean[rows[i].key] = json_of(means[i]);
    const nlohmann::json document = {{"clips", clips}, {"mean", mean}};
    write_text_file(command.json, document.dump(2) + "\n");
  }
}

}  // namespace

void add_evaluate(CLI::App& program) {
  const auto command = std::make_shared<EvaluateCommand>();
  CLI::App* const app = program.add_subcommand(
      "evaluate", "Measure films against the truth: PSNR, pixel match, steadiness, colourfulness");
  app->add_option("--truth", command->truth,
                  "true films, folders of films or of numbered pictures, or a dataset")
      ->required();
  app->add_option("--result", command->result,
                  "films to measure, paired by equal name or trailing number, or an .h5 of "
                  "afterglow colorize")
      ->required();
  app->add_option("--gray", command->gray, "their gray versions");
  app->add_option("--baseline", command->baseline, "the per-frame colorized input");
  app->add_flag("--halved", command->halved,
                "a row more: --baseline with its chroma (BT.601 Cb and Cr) halved");
  app->add_option("--fit", command->fit,
                  "how frames became the network's 128x128, for 128x128 results: crop or resize")
      ->check(CLI::IsMember({"crop", "resize"}))
      ->capture_default_str();
  app->add_option("--json", command->json, "write the scores to this file");
  app->add_option("--sheet", command->sheet,
                  "write a picture of the first clip: truth, gray, input, afterglow; seven frames");
  app->callback(
      [command, app] { run_and_record(*app, command->json, [&] { evaluate(*command); }); });
}

}  // namespace afterglow
