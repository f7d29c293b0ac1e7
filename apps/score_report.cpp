#include "apps/score_report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/error.hpp"
#include "data/frames.hpp"
#include "data/interval.hpp"

namespace afterglow {
namespace {

/// How a metric stands in tables.
struct Column {
  std::optional<double> Scores::*value;
  const char* title;
  int width;
  int digits;
};

constexpr Column kColumns[] = {
    {&Scores::psnr, "PSNR dB", 8, 2},
    {&Scores::ssim, "SSIM", 7, 4},
    {&Scores::pixel_match_percent, "match %", 7, 2},
    {&Scores::temporal_mse, "temp. MSE", 9, 2},
    {&Scores::flicker, "flicker", 8, 3},
    {&Scores::colorfulness, "colourful", 9, 2},
    {&Scores::cdc, "CDC", 7, 4},
    {&Scores::cdc_difference, "CDC diff", 8, 4},
    {&Scores::ewarp_dis, "Ewarp dis", 9, 5},
    {&Scores::ewarp_ab_dis, "ab dis", 8, 6},
    {&Scores::ewarp_flo, "Ewarp flo", 9, 5},
    {&Scores::ewarp_ab_flo, "ab flo", 8, 6},
};

const Column& column_of(const Metric& metric) {
  return *std::find_if(std::begin(kColumns), std::end(kColumns),
                       [&](const Column& column) { return column.value == metric.value; });
}

bool is_used(const Metric& metric, const FlowsUsed& flows) {
  if (metric.value == &Scores::ewarp_dis || metric.value == &Scores::ewarp_ab_dis) return flows.dis;
  if (metric.value == &Scores::ewarp_flo || metric.value == &Scores::ewarp_ab_flo) return flows.flo;
  return true;
}

nlohmann::json json_of(const std::optional<double>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

nlohmann::json json_of(const Scores& scores, const Scores& truth,
                       const std::vector<Metric>& metrics) {
  nlohmann::json json = {{"frames", scores.frames}, {"marks", marks(scores, truth)}};
  for (const Metric& metric : metrics) json[metric.key] = json_of(scores.*metric.value);
  return json;
}

/// A field of a CSV file (RFC 4180).
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string field = "\"";
  for (const char c : text) field += c == '"' ? "\"\"" : std::string(1, c);
  return field + '"';
}

}  // namespace

std::vector<std::string> marks(const Scores& scores, const Scores& truth) {
  std::vector<std::string> reasons;
  const auto check = [&](std::optional<double> Scores::*value, double least, const char* name) {
    if (!(scores.*value) || !(truth.*value) || *(scores.*value) >= least * *(truth.*value)) return;
    char text[80];
    std::snprintf(text, sizeof text, "%.0f %% of the truth's %s",
                  std::floor(100 * *(scores.*value) / *(truth.*value)), name);
    reasons.emplace_back(text);
  };
  check(&Scores::colorfulness, kLeastColourful, "colourfulness");
  check(&Scores::temporal_mse, kLeastTemporal, "temporal MSE");
  return reasons;
}

ScoreReport::ScoreReport(std::vector<RowName> rows, FlowsUsed flows) : rows_(std::move(rows)) {
  std::copy_if(std::begin(kMetrics), std::end(kMetrics), std::back_inserter(metrics_),
               [&](const Metric& metric) { return is_used(metric, flows); });
}

void ScoreReport::add(const std::string& id, const std::vector<Scores>& rows) {
  clips_.push_back({id, rows});
}

std::vector<Scores> ScoreReport::means() const {
  std::vector<Scores> means;
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    std::vector<Scores> scores;
    for (const Clip& clip : clips_) scores.push_back(clip.rows[row]);
    means.push_back(mean_scores(scores));
  }
  return means;
}

std::vector<double> ScoreReport::values(std::size_t row, const Metric& metric) const {
  std::vector<double> values;
  for (const Clip& clip : clips_) {
    if (const auto& value = clip.rows[row].*metric.value) values.push_back(*value);
  }
  return values;
}

void ScoreReport::print_header(const std::string& title) const {
  std::printf("%-24s", title.c_str());
  for (const Metric& metric : metrics_) {
    const Column& column = column_of(metric);
    std::printf("  %*s", column.width, column.title);
  }
  std::printf("\n");
}

void ScoreReport::print_row(const std::string& label, const Scores& scores) const {
  std::printf("  %-22s", label.c_str());
  for (const Metric& metric : metrics_) {
    const Column& column = column_of(metric);
    if (const auto& value = scores.*metric.value) {
      std::printf("  %*.*f", column.width, column.digits, *value);
    } else {
      std::printf("  %*s", column.width, "-");
    }
  }
  std::printf("\n");
}

void ScoreReport::print_marks(const std::vector<Scores>& rows) const {
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const std::vector<std::string> reasons = marks(rows[row], rows.front());
    for (const std::string& reason : reasons) {
      std::printf("  * %s: %s\n", rows_[row].label.c_str(), reason.c_str());
    }
  }
}

void ScoreReport::print_clip() const {
  const Clip& clip = clips_.back();
  print_header(clip.id);
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    const bool marked = !marks(clip.rows[row], clip.rows.front()).empty();
    print_row(rows_[row].label + (marked ? " *" : ""), clip.rows[row]);
  }
  print_marks(clip.rows);
}

void ScoreReport::print_means() const {
  if (clips_.size() < 2) return;
  const std::vector<Scores> mean = means();
  print_header("mean of " + std::to_string(clips_.size()) + " clips");
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    Scores widths;
    for (const Metric& metric : metrics_) {
      if (const auto interval = mean_interval(values(row, metric))) {
        widths.*metric.value = interval->half_width;
      }
    }
    const bool marked = !marks(mean[row], mean.front()).empty();
    print_row(rows_[row].label + (marked ? " *" : ""), mean[row]);
    print_row("  +- (95 %)", widths);
  }
  print_marks(mean);
  for (const Metric& metric : metrics_) {
    const std::size_t n = values(rows_.size() - 1, metric).size();
    if (n < clips_.size()) std::printf("  %s: n = %zu clips\n", column_of(metric).title, n);
  }
}

nlohmann::json ScoreReport::json() const {
  nlohmann::json clips = nlohmann::json::array();
  for (const Clip& clip : clips_) {
    nlohmann::json entry = {{"id", clip.id}, {"frames", clip.rows.front().frames}};
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      entry[rows_[row].key] = json_of(clip.rows[row], clip.rows.front(), metrics_);
    }
    clips.push_back(entry);
  }
  const std::vector<Scores> mean = means();
  nlohmann::json means_entry = {{"frames", mean.front().frames}};
  nlohmann::json intervals = nlohmann::json::object();
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    means_entry[rows_[row].key] = json_of(mean[row], mean.front(), metrics_);
    for (const Metric& metric : metrics_) {
      const auto interval = mean_interval(values(row, metric)).value_or(MeanInterval{});
      intervals[rows_[row].key][metric.key] = {{"n", interval.n},
                                               {"half_width", json_of(interval.half_width)}};
    }
  }
  return {{"clips", clips},
          {"mean", means_entry},
          {"interval_95", intervals},
          {"conversion", kFilmConversion}};
}

ScoreCsv::ScoreCsv(const std::filesystem::path& path, const std::vector<Metric>& metrics)
    : output_(path), stream_(output_.temporary(), std::ios::binary) {
  std::copy_if(metrics.begin(), metrics.end(), std::back_inserter(metrics_),
               [](const Metric& metric) { return metric.per_frame; });
  stream_ << "clip,row,frame";
  for (const Metric& metric : metrics_) stream_ << ',' << metric.key;
  stream_ << '\n';
}

void ScoreCsv::add(const std::string& clip, const std::string& row, std::int64_t frame,
                   const Scores& scores) {
  stream_ << csv_field(clip) << ',' << csv_field(row) << ',' << frame;
  for (const Metric& metric : metrics_) {
    stream_ << ',';
    if (const auto& value = scores.*metric.value) {
      char text[32];
      std::snprintf(text, sizeof text, "%.10g", *value);
      stream_ << text;
    }
  }
  stream_ << '\n';
  check_written();
}

void ScoreCsv::commit() {
  stream_.close();
  check_written();
  output_.commit();
}

void ScoreCsv::check_written() const {
  if (stream_) return;
  throw RunError(output_.path().string() + ": could not be written whole; is the disk full?");
}

}  // namespace afterglow
