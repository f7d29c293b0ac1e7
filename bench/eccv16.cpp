// The ECCV16 colorizer, pictures of `side` x `side` in batches:
//
//   bench_eccv16 --weights FILE [--bins FILE] [--batch 1] [--side 224] [--rounds 9] [--profile]
//   [--json FILE]
//
// The JSON holds the colours that come out as well, for the comparison with other runtimes
// (bench/compare_eccv16), which give it the weights.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "bench/ceilings.hpp"
#include "bench/profiling_backend.hpp"
#include "bench/report.hpp"
#include "kernels/device.hpp"
#include "support/golden_values.hpp"
#include "weights/eccv16_file.hpp"

namespace afterglow::bench {
namespace {

struct Options {
  std::string weights, bins, json;
  std::string device = "cpu", precision = "fp32";
  std::int64_t batch = 1, side = 224;
  int rounds = 9;
  bool profiled = false;
};

int run(const Options& options) {
  auto backend = open_backend({.device = options.device, .precision = options.precision});
  const auto profiling = std::make_shared<ProfilingBackend>(backend);
  if (options.profiled) backend = profiling;
  const LoadedEccv16 loaded = load_eccv16({options.weights, options.bins, {}}, backend);
  std::vector<float> values;
  for (const double value :
       golden_values("lightness", options.batch * options.side * options.side)) {
    values.push_back(static_cast<float>(50 * value));
  }
  const Variable lightness(
      Tensor::from_host(backend, {options.batch, options.side, options.side, 1}, values));
  const NoGradient inference;
  std::vector<float> ab;
  const auto work = [&] { ab = loaded.model->forward(lightness).value().to_host(); };
  work();  // primitives and prepared kernels
  if (options.profiled) {
    print_profile("eccv16", options.rounds, *profiling, work);
    return 0;
  }
  std::vector<double> samples;
  for (int round = 0; round < options.rounds; ++round) samples.push_back(seconds(work));
  const Summary summary = summarize(samples);
  const double frames = static_cast<double>(options.batch);
  std::printf("%s: %.1f ms a frame (p10 %.1f, p90 %.1f), batch %lld\n",
              backend->description().c_str(), summary.median * 1e3 / frames,
              summary.p10 * 1e3 / frames, summary.p90 * 1e3 / frames,
              static_cast<long long>(options.batch));
  return write_report(options.json, {{"device", backend->description()},
                                     {"batch", options.batch},
                                     {"median_ms", summary.median * 1e3 / frames},
                                     {"p10_ms", summary.p10 * 1e3 / frames},
                                     {"p90_ms", summary.p90 * 1e3 / frames},
                                     {"ab", ab}});
}

}  // namespace
}  // namespace afterglow::bench

int main(int argc, char** argv) {
  afterglow::bench::Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--profile") options.profiled = true;
    if (i + 1 == argc) break;
    if (option == "--weights") options.weights = argv[i + 1];
    if (option == "--bins") options.bins = argv[i + 1];
    if (option == "--json") options.json = argv[i + 1];
    if (option == "--device") options.device = argv[i + 1];
    if (option == "--precision") options.precision = argv[i + 1];
    if (option == "--batch") options.batch = std::atoi(argv[i + 1]);
    if (option == "--side") options.side = std::atoi(argv[i + 1]);
    if (option == "--rounds") options.rounds = std::atoi(argv[i + 1]);
  }
  try {
    return afterglow::bench::run(options);
  } catch (const afterglow::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
