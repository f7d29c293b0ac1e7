// Work that waits for memory, timed beside plain streams of the same arrays: the table, the JSON
// and the Google Benchmark entries of every program about such work.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bench/ceilings.hpp"
#include "bench/report.hpp"
#include "kernels/backend.hpp"

namespace afterglow::bench {

/// Floats on a backend, random in [-1, 1).
class Array {
 public:
  Array(Backend& backend, std::size_t count, unsigned seed)
      : buffer_(backend.allocate(count * sizeof(float))), count_(count) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<float> values(count);
    for (float& value : values) value = uniform(generator);
    backend.copy_from_host(std::as_bytes(std::span(values)), buffer_.data.get());
  }

  Destination span() const { return {reinterpret_cast<float*>(buffer_.data.get()), count_}; }
  std::vector<double> read(Backend& backend) const {
    std::vector<float> values(count_);
    backend.copy_to_host(buffer_.data.get(), std::as_writable_bytes(std::span(values)));
    return {values.begin(), values.end()};
  }

 private:
  Buffer buffer_;
  std::size_t count_;
};

/// What a work computes, and its largest error against an oracle (largest difference over largest
/// value) after one run.
struct Prepared {
  std::function<void()> run;
  std::function<double()> error;
};

/// One thing to time. prepare() makes its arrays.
struct Work {
  std::string name;
  std::size_t count;  // floats of its largest array: the streams get arrays of this size
  double passes;      // bytes that must move, in arrays of `count` floats
  bool triad;         // judged by the triad (several reads to a write), else by the copy
  std::function<Prepared()> prepare;
};

/// Whether each of the works, small ones of the same making as those that are timed, errs by less
/// than `tolerance`: a wrong kernel is not worth timing. Prints the first that does not, or the
/// largest error.
inline bool are_right(const std::vector<Work>& works, double tolerance) {
  double worst = 0;
  for (const Work& work : works) {
    const double error = work.prepare().error();
    if (!(error < tolerance)) {
      std::printf("check  %s is wrong: largest error / largest value = %.1e\n", work.name.c_str(),
                  error);
      return false;
    }
    worst = std::max(worst, error);
  }
  std::printf("check  %zu works, largest error / largest value = %.1e\n", works.size(), worst);
  return true;
}

namespace detail {

// The stream is run between the rounds of the work, so that a busy moment hits both.
inline nlohmann::json measure(const Work& work, double budget) {
  const auto run = work.prepare().run;
  Streams streams(work.count);
  const auto ceiling = [&] {
    return work.triad ? streams.triad_gb_per_s() : streams.copy_gb_per_s();
  };
  const double gigabytes = work.passes * double(work.count * sizeof(float)) * 1e-9;
  run();
  ceiling();
  std::vector<double> rates, ceilings;
  for (double spent = 0; spent < budget || rates.size() < 9;) {
    spent += seconds([&] {
      rates.push_back(gigabytes / seconds(run));
      ceilings.push_back(ceiling());
    });
  }
  const Summary rate = summarize(rates), stream = summarize(ceilings);
  const double best = *std::max_element(rates.begin(), rates.end());
  const double best_stream = *std::max_element(ceilings.begin(), ceilings.end());
  std::printf("%-34s %8.3f %6.1f [%6.1f %6.1f] %-5s %6.1f %6.0f%% %6.0f%%\n", work.name.c_str(),
              1e3 * gigabytes / rate.median, rate.median, rate.p10, rate.p90,
              work.triad ? "triad" : "copy", stream.median, 100 * rate.median / stream.median,
              100 * best / best_stream);
  std::fflush(stdout);
  return {
      {"name", work.name},
      {"rounds", rates.size()},
      {"gb_per_s", {{"median", rate.median}, {"p10", rate.p10}, {"p90", rate.p90}}},
      {"ceiling", work.triad ? "triad" : "copy"},
      {"ceiling_gb_per_s", {{"median", stream.median}, {"p10", stream.p10}, {"p90", stream.p90}}},
      {"share_of_medians", rate.median / stream.median},
      {"share_of_bests", best / best_stream}};
}

}  // namespace detail

/// main() of such a program: Google Benchmark and its options, or with --summary [--json FILE]
/// [--filter TEXT] [--seconds N] a table beside the streams.
inline int run_memory_bound(int argc, char** argv, const std::string& name, Backend& backend,
                            const std::vector<Work>& works) {
  std::string json, filter;
  bool summary = false;
  double budget = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (option == "--summary") summary = true;
    if (option == "--json") summary = true, json = value;
    if (option == "--filter") filter = value;
    if (option == "--seconds") budget = std::atof(value);
  }
  if (!summary) {
    for (const Work& work : works) {
      benchmark::RegisterBenchmark(work.name.c_str(), [&work](benchmark::State& state) {
        const auto run = work.prepare().run;
        for (auto _ : state) run();
        state.SetBytesProcessed(std::int64_t(double(state.iterations()) * work.passes *
                                             double(work.count * sizeof(float))));
      })->UseRealTime();
    }
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
  }
  std::printf("%s\n%-34s %8s %6s [%6s %6s] %-12s %7s %7s\n", backend.description().c_str(), "work",
              "ms", "GB/s", "p10", "p90", "ceiling GB/s", "medians", "bests");
  nlohmann::json report = {{"benchmark", name}, {"device", backend.description()}};
  for (const Work& work : works)
    if (work.name.find(filter) != std::string::npos)
      report["works"].push_back(detail::measure(work, budget));
  return write_report(json, report);
}

}  // namespace afterglow::bench
