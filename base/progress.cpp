#include "base/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <utility>

namespace afterglow {
namespace {

constexpr std::chrono::milliseconds kTerminalInterval{100};
constexpr std::chrono::seconds kPlainInterval{10};

}  // namespace

Progress::Progress(std::string label, std::int64_t total, std::string unit, std::int64_t begun)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      begun_(begun),
      terminal_(isatty(STDERR_FILENO) == 1),
      exceptions_(std::uncaught_exceptions()),
      start_(std::chrono::steady_clock::now()),
      printed_(start_) {}

Progress::~Progress() {
  if (std::uncaught_exceptions() == exceptions_) {
    finish();
  } else if (terminal_ && !finished_) {
    std::fputs("\r\033[K", stderr);  // the error's line says it all
  }
}

void Progress::update(std::int64_t done, const std::string& note) {
  done_ = done;
  note_ = note;
  const auto elapsed = std::chrono::steady_clock::now() - printed_;
  if (terminal_ ? elapsed >= kTerminalInterval : elapsed >= kPlainInterval) print(false);
}

void Progress::finish() {
  if (finished_) return;
  finished_ = true;
  // Plain lines are for long work: a short command says nothing but its result.
  const bool worth_a_line =
      terminal_ || std::chrono::steady_clock::now() - start_ >= kPlainInterval;
  if (done_ > 0 && worth_a_line) print(true);
}

void Progress::print(bool last) {
  printed_ = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(printed_ - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_ - begun_) / seconds : 0;
  std::string line = label_ + "  " + std::to_string(done_);
  if (total_ > 0) line += "/" + std::to_string(total_);
  char text[64];
  std::snprintf(text, sizeof text, " %s  %.1f/s", unit_.c_str(), rate);
  line += text;
  if (last) {
    line += "  in " + format_duration(seconds);
  } else if (total_ > 0 && rate > 0) {
    line += "  " +
            format_duration(static_cast<double>(std::max<std::int64_t>(total_ - done_, 0)) / rate) +
            " left";
  }
  if (!note_.empty()) line += "  " + note_;
  // "\r" and "erase to the end of the line" rewrite in place on a terminal.
  std::fprintf(stderr, terminal_ ? (last ? "\r%s\033[K\n" : "\r%s\033[K") : "%s\n", line.c_str());
  std::fflush(stderr);
}

std::string format_duration(double seconds) {
  const std::int64_t total = std::llround(seconds);
  char text[32];
  if (total >= 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", long(total / 3600), long(total / 60 % 60),
                  long(total % 60));
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld", long(total / 60), long(total % 60));
  }
  return text;
}

}  // namespace afterglow
