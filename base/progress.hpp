// What long work says while it runs: one rewritten line on a terminal, plain lines now and then
// otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace afterglow {

/// Shows `label  done/total unit  rate  time left  note` on standard error. On a terminal the line
/// is rewritten at most ten times a second; otherwise a plain line comes at most every ten seconds,
/// and at the end of work that took as long.
class Progress {
 public:
  /// total 0 means unknown; it may be an estimate that `done` exceeds. `unit` is a plural noun such
  /// as "frames". begun: how much was done before, which does not count for the rate.
  Progress(std::string label, std::int64_t total, std::string unit, std::int64_t begun = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Sets how much is done, with an optional note (for example the loss).
  void update(std::int64_t done, const std::string& note = {});
  /// Prints the last state and ends the line. Called by the destructor if need be, but not when an
  /// exception ends the work: then nothing more is said.
  void finish();

 private:
  void print(bool last);

  std::string label_;
  std::string unit_;
  std::string note_;
  std::int64_t total_;
  std::int64_t begun_;
  std::int64_t done_ = 0;
  bool terminal_;
  bool finished_ = false;
  int exceptions_;  // in flight at the start
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point printed_;
};

/// "1:02:03" or "2:03" of a number of seconds.
std::string format_duration(double seconds);

}  // namespace afterglow
