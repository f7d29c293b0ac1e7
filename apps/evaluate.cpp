// `afterglow evaluate`: how good and how steady a colour film is, beside the truth and the trivial
// methods.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <future>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/commands.hpp"
#include "apps/configuration.hpp"
#include "apps/film_rows.hpp"
#include "apps/score_report.hpp"
#include "apps/sequences.hpp"
#include "apps/truth_motion.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/output_file.hpp"
#include "base/progress.hpp"
#include "data/clip_scorer.hpp"
#include "data/contact_sheet.hpp"
#include "data/dataset.hpp"
#include "data/pairing.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

constexpr int kSheetFrames = 7;

struct EvaluateCommand {
  std::vector<fs::path> truth, result, gray, baseline, flow;
  fs::path json, csv, sheet;
  std::vector<std::string> sheet_rows;  // LABEL=FILM
  std::string fit = "resize";
  bool halved = false;
  bool no_trivial = false;
  bool no_flow = false;
};

/// Scores every row of one clip; `csv` (or null) gets each frame's scores. flow_folder: empty for
/// none.
std::vector<Scores> score_clip(const std::vector<FilmRow>& rows, std::size_t clip,
                               const EvaluateCommand& command, const fs::path& flow_folder,
                               ScoreCsv* csv) {
  RowReader reader(rows, clip, parse_fit(command.fit, "--fit"));
  MadeRows made(rows);
  std::optional<TruthMotion> motion;
  if (!command.no_flow) motion.emplace(flow_folder);
  const std::string& id = rows.back().clips[clip].id;
  Progress progress(id, reader.truth_info().count, "frames");
  std::vector<ClipScorer> scorers(rows.size());
  std::int64_t frame = 0;
  while (auto pictures = reader.read()) {
    throw_if_interrupted();
    const Picture& truth = pictures->front();
    if (motion) motion->push(truth);
    made.fill(*pictures, motion ? &*motion : nullptr);
    const TrueMotion there = motion ? motion->there() : TrueMotion{};
    std::vector<std::future<Scores>> scores(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Picture& picture = (*pictures)[i];
      if (picture.rgb.empty()) continue;
      scores[i] =
          std::async(std::launch::async, [&, i] { return scorers[i].push(picture, truth, there); });
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!scores[i].valid()) continue;
      const Scores own = scores[i].get();
      if (csv) csv->add(id, rows[i].key, frame, own);
    }
    progress.update(++frame);
  }
  if (motion) motion->finish(rows.front().clips[clip].name);
  std::vector<Scores> scores;
  for (const ClipScorer& scorer : scorers) {
    scores.push_back(scorer.scores(reader.truth_info().fps, scorers.front()));
  }
  return scores;
}

/// Seven frames of the first clip in every row but those of the trivial methods, then in the
/// further ones.
Picture draw_sheet(const std::vector<FilmRow>& all_rows, const std::vector<FilmRow>& further,
                   std::int64_t frames, Fit fit) {
  std::vector<FilmRow> rows;
  std::copy_if(all_rows.begin(), all_rows.end(), std::back_inserter(rows), [](const FilmRow& row) {
    return row.kind == RowKind::kFilm || row.kind == RowKind::kGray;
  });
  rows.insert(rows.end() - 1, further.begin(), further.end());  // a reader wants the result last
  std::vector<SheetRow> sheet;
  for (const FilmRow& row : rows) sheet.push_back({row.label, {}});
  const std::vector<std::int64_t> shown = evenly_spaced(frames, kSheetFrames);
  RowReader reader(rows, 0, fit);
  MadeRows made(rows);
  for (std::int64_t index = 0; auto pictures = reader.read(); ++index) {
    throw_if_interrupted();
    if (!std::binary_search(shown.begin(), shown.end(), index)) continue;
    made.fill(*pictures, nullptr);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      sheet[i].frames.push_back(std::move((*pictures)[i]));
    }
  }
  const auto result = sheet.end() - 1;
  std::rotate(result - static_cast<std::ptrdiff_t>(further.size()), result, sheet.end());
  return contact_sheet(sheet);
}

/// All rows, the truth first, the result last; clips in the result's order.
std::vector<FilmRow> make_rows(const EvaluateCommand& command) {
  const std::vector<Sequence> results = list_sequences(command.result, Part::kResult);
  const std::vector<Sequence> truths = list_sequences(command.truth, Part::kTruth);
  std::vector<FilmRow> rows;
  rows.push_back({"truth", "truth", match_sequences(results, truths, "--truth")});
  if (command.gray.empty()) {
    rows.push_back({"gray", "gray", {}, RowKind::kGray});
  } else {
    rows.push_back({"gray", "gray",
                    match_sequences(results, list_sequences(command.gray, Part::kGray), "--gray")});
  }
  if (!command.baseline.empty()) {
    rows.push_back({"baseline", "input",
                    match_sequences(results, list_sequences(command.baseline, Part::kBaseline),
                                    "--baseline")});
    if (command.halved || !command.no_trivial) {
      rows.push_back({"baseline_halved", "input, chroma halved", {}, RowKind::kHalved});
    }
    if (!command.no_flow && !command.no_trivial) {
      rows.push_back({"baseline_carried", "input, carried", {}, RowKind::kCarried});
    }
  }
  rows.push_back({"result", "result", results});
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

struct FurtherFilm {
  std::string label;
  fs::path film;
};

/// What --sheet-row names. Throws InputError.
std::vector<FurtherFilm> further_films(const EvaluateCommand& command) {
  std::vector<FurtherFilm> films;
  for (const std::string& text : command.sheet_rows) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == text.size()) {
      throw InputError("--sheet-row", "'" + text + "' is no LABEL=FILM",
                       "give for instance --sheet-row steady=steady.mkv");
    }
    films.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  return films;
}

/// The rows that stand in the sheet alone, with the partner of `first` as their only clip.
std::vector<FilmRow> make_sheet_rows(const EvaluateCommand& command, const Sequence& first) {
  std::vector<FilmRow> rows;
  for (const auto& [label, film] : further_films(command)) {
    const std::vector<Sequence> films = list_sequences({film}, Part::kResult);
    rows.push_back({label, label, match_sequences({first}, films, "--sheet-row")});
    rows.back().clips.front().open();  // now, not after hours of work
  }
  return rows;
}

/// Throws InputError for options that do not go together and outputs that cannot be made: now, not
/// after hours of work.
void check(const EvaluateCommand& command) {
  if (command.halved && command.baseline.empty()) {
    throw InputError("--halved", "halves the chroma of --baseline", "give --baseline too");
  }
  if (command.no_flow && !command.flow.empty()) {
    throw InputError("--no-flow", "leaves out what --flow is for", "give one of the two");
  }
  if (!command.sheet_rows.empty() && command.sheet.empty()) {
    throw InputError("--sheet-row", "is a row of the sheet", "give --sheet too");
  }
  const std::vector<FurtherFilm> further = further_films(command);
  for (const fs::path& output : {command.json, command.csv, command.sheet}) {
    if (output.empty()) continue;
    for (const auto& inputs : {command.truth, command.result, command.gray, command.baseline}) {
      refuse_overwriting(output, expand_folders(inputs));
    }
    for (const FurtherFilm& each : further) refuse_overwriting(output, {each.film});
    const OutputFile probe(output);
  }
}

void evaluate(const EvaluateCommand& command) {
  check(command);
  const std::vector<FilmRow> rows = make_rows(command);
  const std::vector<Sequence>& results = rows.back().clips;
  const std::vector<FilmRow> sheet_rows = make_sheet_rows(command, results.front());
  std::vector<Sequence> flows;
  if (!command.flow.empty()) {
    flows = match_sequences(results, list_flows(command.flow), "--flow");
  }
  std::vector<RowName> names;
  for (const FilmRow& row : rows) names.push_back({row.key, row.label});
  ScoreReport report(names, {!command.no_flow, !flows.empty()});
  std::optional<ScoreCsv> csv;
  if (!command.csv.empty()) csv.emplace(command.csv, report.metrics());
  std::int64_t first_frames = 0;
  for (std::size_t clip = 0; clip < results.size(); ++clip) {
    const fs::path flow_folder = flows.empty() ? "" : flows[clip].name;
    const std::vector<Scores> scores =
        score_clip(rows, clip, command, flow_folder, csv ? &*csv : nullptr);
    if (clip == 0) first_frames = scores.front().frames;
    report.add(results[clip].id, scores);
    report.print_clip();
  }
  report.print_means();

  if (csv) csv->commit();
  if (!command.json.empty()) write_text_file(command.json, report.json().dump(2) + "\n");
  if (!command.sheet.empty()) {
    write_picture(command.sheet,
                  draw_sheet(rows, sheet_rows, first_frames, parse_fit(command.fit, "--fit")));
  }
}

}  // namespace

void add_evaluate(CLI::App& program) {
  const auto command = std::make_shared<EvaluateCommand>();
  CLI::App* const app = program.add_subcommand(
      "evaluate",
      "Measure films against the truth: fidelity, steadiness along its motion, colourfulness");
  app->add_option("--truth", command->truth,
                  "true films, folders of films or of numbered pictures, or a dataset")
      ->required();
  app->add_option("--result", command->result,
                  "films to measure, paired by equal name or trailing number, or an .h5 of "
                  "afterglow colorize")
      ->required();
  app->add_option("--gray", command->gray, "their gray versions (default: made of --truth)");
  app->add_option("--baseline", command->baseline, "the per-frame colorized input");
  app->add_flag(
      "--no-trivial", command->no_trivial,
      "without the rows that any method must beat, made of --baseline: its chroma (BT.601 "
      "Cb and Cr) halved, and its chroma averaged along the truth's motion (0.95 carried)");
  app->add_flag("--halved", command->halved,
                "with --no-trivial: the row of halved chroma all the same");
  app->add_option("--flow", command->flow,
                  "folders of .flo files with the truth's flow from each frame to the next, one a "
                  "film (as afterglow synth makes them) or folders of such: ewarp_flo");
  app->add_flag(
      "--no-flow", command->no_flow,
      "without optical flow and what is measured along it, which takes about half of the time");
  app->add_option("--fit", command->fit,
                  "how frames became the network's 128x128, for 128x128 results: crop or resize")
      ->check(CLI::IsMember({"crop", "resize"}))
      ->capture_default_str();
  app->add_option("--json", command->json, "write the scores to this file");
  app->add_option("--csv", command->csv, "write the scores of every frame to this file");
  app->add_option("--sheet", command->sheet,
                  "write a picture of the first clip: truth, gray, input, result; seven frames");
  app->add_option("--sheet-row", command->sheet_rows,
                  "one more row of --sheet, of another film of the first clip: LABEL=FILM; may be "
                  "given several times, and is not measured")
      ->allow_extra_args(false);
  app->callback(
      [command, app] { run_and_record(*app, command->json, [&] { evaluate(*command); }); });
}

}  // namespace afterglow
