// What came out of a comparison: tables, JSON, CSV.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/output_file.hpp"
#include "data/scores.hpp"

namespace afterglow {

/// A row below this share of the truth's colourfulness, or of its temporal MSE, is marked: it may
/// look steady only because it is pale, or repeats frames.
inline constexpr double kLeastColourful = 0.8;
inline constexpr double kLeastTemporal = 0.5;

/// Why a row's steadiness is not to be trusted, a text a reason; none where it may be.
std::vector<std::string> marks(const Scores& scores, const Scores& truth);

/// A row's name in files and in tables.
struct RowName {
  std::string key;
  std::string label;
};

/// Which flow there was to measure along.
struct FlowsUsed {
  bool dis = false;
  bool flo = false;
};

/// Collects the scores of all rows, clip by clip. Rows stand in the order given; a marked one has a
/// star, and its reasons below.
class ScoreReport {
 public:
  /// The truth is the first row.
  ScoreReport(std::vector<RowName> rows, FlowsUsed flows);

  /// The metrics in use, in their order.
  const std::vector<Metric>& metrics() const { return metrics_; }

  void add(const std::string& id, const std::vector<Scores>& rows);

  /// Prints the last clip's table.
  void print_clip() const;
  /// Prints the means over clips, with their 95 % intervals; nothing for a single clip.
  void print_means() const;

  /// Everything (docs/formats.md).
  nlohmann::json json() const;

 private:
  struct Clip {
    std::string id;
    std::vector<Scores> rows;
  };

  std::vector<Scores> means() const;
  /// A metric of a row in every clip that has it.
  std::vector<double> values(std::size_t row, const Metric& metric) const;
  void print_header(const std::string& title) const;
  void print_row(const std::string& label, const Scores& scores) const;
  void print_marks(const std::vector<Scores>& rows) const;

  std::vector<RowName> rows_;
  std::vector<Metric> metrics_;
  std::vector<Clip> clips_;
};

/// Scores of single frames as they come, in a file that is there whole or not at all: a line a
/// frame and row (clip,row,frame,...), empty where there is no number.
class ScoreCsv {
 public:
  /// Throws InputError when the file cannot be made.
  ScoreCsv(const std::filesystem::path& path, const std::vector<Metric>& metrics);
  /// Throws RunError (disk full), as commit() does.
  void add(const std::string& clip, const std::string& row, std::int64_t frame,
           const Scores& scores);
  void commit();

 private:
  void check_written() const;

  OutputFile output_;
  std::ofstream stream_;
  std::vector<Metric> metrics_;  // those that frames have
};

}  // namespace afterglow
