// A training step (batch 16) and a recurrent frame (batch 1) of both networks.
//
//   bench_train_step                               Google Benchmark and its options
//   bench_train_step --summary [--json FILE] [--rounds N]
//   bench_train_step --profile [--rounds N]        where the time goes, by op, pass and geometry
//   --precision bf16                               with either: convolutions in bfloat16
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "base/random.hpp"
#include "bench/ceilings.hpp"
#include "bench/profiling_backend.hpp"
#include "bench/report.hpp"
#include "kernels/device.hpp"
#include "nn/models/colorization_model.hpp"
#include "nn/ops/ops.hpp"
#include "nn/optimizer.hpp"
#include "nn/recurrent_colorizer.hpp"

namespace afterglow::bench {
namespace {

constexpr std::int64_t kBatch = 16;
constexpr float kBeta = 0.8F;

// As the command line says.
std::string device = "cpu";
std::string precision = "fp32";

std::shared_ptr<Backend> make_backend() {
  return open_backend({.device = device, .precision = precision});
}

Tensor pixels(const std::shared_ptr<Backend>& backend, std::int64_t frames, std::int64_t channels) {
  Rng rng(1);
  const Shape shape{frames, kNetworkSize, kNetworkSize, channels};
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  for (float& value : values) value = static_cast<float>(rng.uniform(0, 255));
  return Tensor::from_host(backend, shape, values);
}

/// A network in training with a batch of its own.
class Training {
 public:
  explicit Training(Arch arch, std::shared_ptr<Backend> backend = make_backend())
      : backend_(std::move(backend)),
        model_(make_model(backend_, {arch, Decoder::kUpsample}, 1)),
        adam_(model_->parameters(), {}),
        x_(pixels(backend_, kBatch, 6)),
        y_(pixels(backend_, kBatch, 3)),
        starts_(backend_, std::vector<std::uint8_t>(static_cast<std::size_t>(kBatch))),
        value_(backend_),
        passes_([this] {
          ops::backward_temporal_mse(model_->forward(Variable(x_)), y_, kBeta, starts_, value_);
          adam_.apply();
        }) {
    model_->train(true);
  }

  double step() {
    adam_.begin();
    passes_.run(*backend_);
    const double loss = value_.value().loss;
    adam_.end();
    return loss;
  }

 private:
  std::shared_ptr<Backend> backend_;
  std::unique_ptr<ColorizationModel> model_;
  Adam adam_;
  Tensor x_, y_;
  DeviceArray<std::uint8_t> starts_;
  DeviceArray<TemporalMseValue> value_;
  Repeated passes_;
};

/// A network that colours frame after frame.
class Colouring {
 public:
  explicit Colouring(Arch arch, std::shared_ptr<Backend> backend = make_backend())
      : backend_(std::move(backend)),
        model_(make_model(backend_, {arch, Decoder::kUpsample}, 1)),
        colorizer_(*model_, Previous::kOwn),
        frame_(pixels(backend_, 1, 3)) {}

  void frame() { benchmark::DoNotOptimize(colorizer_.step(frame_)); }

 private:
  std::shared_ptr<Backend> backend_;
  std::unique_ptr<ColorizationModel> model_;
  RecurrentColorizer colorizer_;
  Tensor frame_;
};

/// A network that does not learn is not worth timing (the goldens of tests/nn say whether it
/// computes the right thing).
bool learns(Arch arch) {
  Training training(arch);
  const double first = training.step();
  double last = first;
  for (int step = 0; step < 4; ++step) last = training.step();
  std::printf("check  %s: loss %.1f, after four steps %.1f\n", arch_name(arch).c_str(), first,
              last);
  return std::isfinite(last) && last < first;
}

double peak_memory_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

nlohmann::json measured(const std::string& name, double frames, int rounds,
                        const std::function<void()>& work) {
  work();  // primitives and buffers
  std::vector<double> samples;
  for (int round = 0; round < rounds; ++round) samples.push_back(seconds(work));
  const Summary summary = summarize(samples);
  std::printf("%-24s %8.1f ms  (p10 %.1f, p90 %.1f)  %.1f frames/s\n", name.c_str(),
              summary.median * 1e3, summary.p10 * 1e3, summary.p90 * 1e3, frames / summary.median);
  return {{"name", name},
          {"median_ms", summary.median * 1e3},
          {"p10_ms", summary.p10 * 1e3},
          {"p90_ms", summary.p90 * 1e3},
          {"frames_per_second", frames / summary.median}};
}

int summary(int rounds, const std::string& json) {
  if (!learns(Arch::kAlexnet) || !learns(Arch::kVgg16)) return 1;
  const double gflops = fma_gflops();
  std::printf("%s; FMA peak %.0f GFLOP/s\n", make_backend()->description().c_str(), gflops);
  nlohmann::json report{{"device", make_backend()->description()},
                        {"fma_peak_gflops", gflops},
                        {"batch", kBatch},
                        {"precision", precision}};
  for (const Arch arch : {Arch::kAlexnet, Arch::kVgg16}) {
    {
      Training training(arch);
      report["rows"].push_back(measured(arch_name(arch) + " training step",
                                        static_cast<double>(kBatch), rounds,
                                        [&] { training.step(); }));
    }
    Colouring colouring(arch);
    report["rows"].push_back(
        measured(arch_name(arch) + " frame", 1, 4 * rounds, [&] { colouring.frame(); }));
  }
  std::printf("peak memory of the process %.0f MB\n", peak_memory_mb());
  report["peak_memory_mb"] = peak_memory_mb();
  return write_report(json, report);
}

int profile(int rounds) {
  std::printf("%s\n", make_backend()->description().c_str());
  for (const Arch arch : {Arch::kAlexnet, Arch::kVgg16}) {
    const auto backend = std::make_shared<ProfilingBackend>(make_backend());
    {
      Training training(arch, backend);
      print_profile(arch_name(arch) + " training step", rounds, *backend, [&] { training.step(); });
    }
    Colouring colouring(arch, backend);
    print_profile(arch_name(arch) + " frame", 4 * rounds, *backend, [&] { colouring.frame(); });
  }
  return 0;
}

void training_step(benchmark::State& state) {
  Training training(static_cast<Arch>(state.range(0)));
  training.step();
  for ([[maybe_unused]] auto _ : state) training.step();
  state.SetItemsProcessed(state.iterations() * kBatch);
  state.SetLabel(arch_name(static_cast<Arch>(state.range(0))));
}
BENCHMARK(training_step)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

void frame(benchmark::State& state) {
  Colouring colouring(static_cast<Arch>(state.range(0)));
  colouring.frame();
  for ([[maybe_unused]] auto _ : state) colouring.frame();
  state.SetItemsProcessed(state.iterations());
  state.SetLabel(arch_name(static_cast<Arch>(state.range(0))));
}
BENCHMARK(frame)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace afterglow::bench

int main(int argc, char** argv) {
  bool summarized = false, profiled = false;
  int rounds = 9;
  std::string json;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--summary") summarized = true;
    if (option == "--profile") profiled = true;
    if (option == "--json" && i + 1 < argc) json = argv[++i];
    if (option == "--precision" && i + 1 < argc) afterglow::bench::precision = argv[++i];
    if (option == "--rounds" && i + 1 < argc) rounds = std::max(1, std::atoi(argv[++i]));
  }
  if (summarized) return afterglow::bench::summary(rounds, json);
  if (profiled) return afterglow::bench::profile(rounds);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
