// Convolution layers of both networks: every pass that training needs, as Google Benchmark's, or as
// a table beside the machine's ceilings.
//
//   bench_conv                                     Google Benchmark and its options
//   bench_conv --summary [--json FILE] [--rounds N] [--batch N] [--filter TEXT]
//              [--conv-algo auto|direct|winograd] [--target avx2|baseline]   as on an older machine
#include <benchmark/benchmark.h>
#include <hwy/highway.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>

#include "bench/ceilings.hpp"
#include "bench/layer_shapes.hpp"
#include "bench/report.hpp"
#include "kernels/backend.hpp"
#include "kernels/cpu/convolution.hpp"
#include "kernels/device.hpp"
#include "support/oracle_conv.hpp"
#include "support/oracle_elementwise.hpp"

namespace afterglow::bench {
namespace {

constexpr const char* kPasses[] = {"forward", "backward data", "backward weights"};

// Values of a layer's tensors.
struct Sizes {
  std::size_t x, w, b, y;
};

template <typename Geometry>
Sizes sizes_of(const Geometry& g) {
  return {g.x_size(), g.w_size(), std::size_t(g.k), g.y_size()};
}
Sizes sizes_of(const TransposedConv2d& g) {
  return {g.of.y_size(), g.of.w_size(), std::size_t(g.of.c), g.of.x_size()};
}

// Pixels and channels of a transposed convolution's output.
ChannelGeometry output_rows(const TransposedConv2d& g) {
  return {std::int64_t{g.of.n} * g.of.h * g.of.w, g.of.c};
}

// Batch 1 is a frame at inference: the forward pass alone, with constant kernels.
bool is_frame(const Layer& layer) {
  return std::visit([](const auto& g) { return shape_of(g).n == 1; }, layer.geometry);
}

int passes_of(const Layer& layer) {
  if (is_frame(layer)) return 1;
  return layer.trained ? 3 : 2;
}

// One layer's tensors on a backend, and its three passes.
class Work {
 public:
  Work(Backend& backend, const Layer& layer)
      : backend_(backend), geometry_(layer.geometry), constant_(!layer.trained || is_frame(layer)) {
    std::visit(
        [&](const auto& g) {
          const Sizes sizes = sizes_of(g);
          x_ = filled(sizes.x, 1);
          w_ = filled(sizes.w, 2);
          b_ = filled(sizes.b, 3);
          dy_ = filled(sizes.y, 4);
          y_ = filled(sizes.y, 5);
          dx_ = filled(sizes.x, 6);
          dw_ = filled(sizes.w, 7);
          db_ = filled(sizes.b, 8);
          const ConvolutionShape s = shape_of(g);
          flop_ = 2.0 * double(s.y_size()) * s.kh * s.kw * s.c;
        },
        geometry_);
  }

  /// Of one pass, as it is computed: an upsampling layer in its sub-pixel form.
  double flop() const { return flop_; }

  void run(int pass) {
    std::visit([&](const auto& g) { run(g, pass); }, geometry_);
  }

  /// Largest difference from the oracle over the largest value, over all passes.
  double error();

 private:
  Scratch filled(std::size_t count, unsigned seed) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<float> values(count);
    for (float& value : values) value = uniform(generator);
    Buffer buffer = backend_.allocate(count * sizeof(float));
    backend_.copy_from_host(std::as_bytes(std::span(values)), buffer.data.get());
    return {std::move(buffer), count};
  }

  Kernel kernel() { return {w_.span(), constant_ ? &prepared_ : nullptr}; }

  static Destination span(const Scratch& tensor) { return tensor.span(); }

  oracle::Doubles read(const Scratch& tensor) const {
    std::vector<float> values(tensor.span().size());
    backend_.copy_to_host(reinterpret_cast<const std::byte*>(tensor.data()),
                          std::as_writable_bytes(std::span(values)));
    return {values.begin(), values.end()};
  }

  void run(const Conv2dGeometry& g, int pass) {
    if (pass == 0)
      backend_.conv2d(g, span(x_), kernel(), {span(b_), Activation::kRelu}, span(y_));
    else if (pass == 1)
      backend_.conv2d_backward_data(g, span(dy_), {}, kernel(), span(dx_));
    else
      backend_.conv2d_backward_weights(g, span(x_), span(dy_), span(dw_), span(db_));
  }

  void run(const UpsampleConv2dGeometry& g, int pass) {
    if (pass == 0)
      backend_.upsample_conv2d(g, span(x_), kernel(), {span(b_), Activation::kRelu}, span(y_));
    else if (pass == 1)
      backend_.upsample_conv2d_backward_data(g, span(dy_), kernel(), span(dx_));
    else
      backend_.upsample_conv2d_backward_weights(g, span(x_), span(dy_), span(dw_), span(db_));
  }

  // As ops::conv_transpose2d.
  void run(const TransposedConv2d& g, int pass) {
    if (pass == 0) {
      backend_.conv2d_backward_data(g.of, span(x_), {}, kernel(), span(y_));
      backend_.add_bias(output_rows(g), span(b_), Activation::kRelu, span(y_));
    } else if (pass == 1) {
      backend_.conv2d(g.of, span(dy_), kernel(), {}, span(dx_));
    } else {
      backend_.conv2d_backward_weights(g.of, span(dy_), span(x_), span(dw_), {});
      backend_.sum_rows(output_rows(g), span(dy_), span(db_));
    }
  }

  Backend& backend_;
  decltype(Layer::geometry) geometry_;
  bool constant_;  // as a frozen layer's kernel is
  PreparedKernels prepared_;
  Scratch x_, w_, b_, dy_, y_, dx_, dw_, db_;
  double flop_ = 0;
};

// What the three passes should leave in y, dx, dw and db.
struct Reference {
  oracle::Doubles y, dx, dw, db;
};

using oracle::Doubles;

Reference reference(const Conv2dGeometry& g, const Doubles& x, const Doubles& w, const Doubles& b,
                    const Doubles& dy) {
  return {oracle::conv2d(g, x, w, b, Activation::kRelu), oracle::conv2d_backward_data(g, dy, w),
          oracle::conv2d_backward_weights(g, x, dy), oracle::conv2d_backward_bias(g, dy)};
}

Reference reference(const UpsampleConv2dGeometry& g, const Doubles& x, const Doubles& w,
                    const Doubles& b, const Doubles& dy) {
  return {oracle::upsample_conv2d(g, x, w, b, Activation::kRelu),
          oracle::upsample_conv2d_backward_data(g, dy, w),
          oracle::upsample_conv2d_backward_weights(g, x, dy),
          oracle::conv2d_backward_bias(g.as_written(), dy)};
}

Reference reference(const TransposedConv2d& g, const Doubles& x, const Doubles& w, const Doubles& b,
                    const Doubles& dy) {
  const ChannelGeometry rows = output_rows(g);
  return {oracle::add_bias(rows, b, Activation::kRelu, oracle::conv2d_backward_data(g.of, x, w)),
          oracle::conv2d(g.of, dy, w, {}, Activation::kNone),
          oracle::conv2d_backward_weights(g.of, dy, x), oracle::sum_rows(rows, dy)};
}

double Work::error() {
  for (int pass = 0; pass < 3; ++pass) run(pass);
  const Reference right = std::visit(
      [&](const auto& g) { return reference(g, read(x_), read(w_), read(b_), read(dy_)); },
      geometry_);
  return std::max({relative_error(read(y_), right.y), relative_error(read(dx_), right.dx),
                   relative_error(read(dw_), right.dw), relative_error(read(db_), right.db)});
}

// A wrong kernel is not worth timing. Sums here have below 1100 terms. Few pixels run as one matrix
// product, many as oneDNN's convolution or, with many channels, as Winograd's.
bool is_right(Backend& backend) {
  constexpr double kFloatSums = 1e-5;
  constexpr double kWinogradSums = 5e-5;  // of numbers up to an order of magnitude larger
  const Layer small[] = {
      {"conv", Conv2dGeometry{2, 13, 11, 19, 24, 5, 3, 1, 1, Padding::kSame}},
      {"conv, Winograd", Conv2dGeometry{2, 23, 21, 40, 48, 3, 3, 1, 1, Padding::kSame}},
      {"conv 5x5, Winograd", Conv2dGeometry{2, 23, 21, 40, 48, 5, 5, 1, 1, Padding::kSame}},
      {"up, Winograd", UpsampleConv2dGeometry{2, 17, 15, 40, 12, 5, Padding::kSame}},
      {"up 3x3, Winograd", UpsampleConv2dGeometry{4, 17, 15, 40, 48, 3, Padding::kValid}},
      {"conv, few pixels", Conv2dGeometry{1, 3, 3, 19, 24, 3, 3, 1, 1, Padding::kSame}},
      {"up", UpsampleConv2dGeometry{2, 7, 5, 19, 6, 5, Padding::kSame}},
      {"up, few pixels", UpsampleConv2dGeometry{1, 3, 2, 19, 6, 5, Padding::kSame}},
      {"deconv", TransposedConv2d{{2, 18, 16, 6, 19, 4, 4, 2, 1, Padding::kValid}}},
      {"deconv, few pixels", TransposedConv2d{{1, 8, 6, 6, 19, 4, 4, 2, 1, Padding::kValid}}}};
  for (const Layer& layer : small) {
    const double error = Work(backend, layer).error();
    std::printf("check %-18s  largest error / largest value = %.1e\n", layer.name.c_str(), error);
    const bool winograd = layer.name.ends_with("Winograd");
    if (!(error < (winograd ? kWinogradSums : kFloatSums))) return false;
  }
  return true;
}

struct Options {
  bool summary = false;
  std::string json, filter, target;
  std::string conv_algo = "auto";
  int rounds = 9;
  int batch = 16;
};

nlohmann::json as_json(const Summary& s) {
  return {{"median", s.median}, {"p10", s.p10}, {"p90", s.p90}};
}

std::shared_ptr<Backend> backend_for(const Options& options) {
  return open_backend({.device = "cpu", .convolutions = options.conv_algo});
}

// The share of what a pass computes that lies outside of the picture, because tiles do not fit.
double share_outside(const Layer& layer, int pass, const std::string& algorithm) {
  int side = 0;  // of a tile's outputs
  if (std::sscanf(algorithm.c_str(), "Winograd F(%dx", &side) != 1) return 0;
  const ConvolutionShape s = std::visit([](const auto& g) { return shape_of(g); }, layer.geometry);
  const auto covered = [&](std::int32_t size) { return (size + side - 1) / side * side; };
  std::int32_t h = pass == 1 ? s.h : s.oh, w = pass == 1 ? s.w : s.ow;
  if (std::holds_alternative<TransposedConv2d>(layer.geometry)) h = s.h / 2, w = s.w / 2;  // phases
  return 1 - double(h) * w / (double(covered(h)) * covered(w));
}

// The ceilings are measured between the passes, so that a busy moment hits all of them.
nlohmann::json measure(const Layer& layer, const Options& options, Sgemm& sgemm) {
  const auto backend = backend_for(options);
  Work work(*backend, layer);
  const int passes = passes_of(layer);
  std::vector<double> times[3], products, peaks;
  std::string algorithms[3];
  for (int pass = 0; pass < passes; ++pass) {
    work.run(pass);
    algorithms[pass] = backend->convolution_plans().back().algorithm;
  }
  for (int round = 0; round < options.rounds; ++round) {
    products.push_back(sgemm.gflops());
    peaks.push_back(fma_gflops());
    for (int pass = 0; pass < passes; ++pass) {
      times[pass].push_back(seconds([&] { work.run(pass); }) * 1e3);
    }
  }
  const double product = summarize(products).median, peak = summarize(peaks).median;
  nlohmann::json result = {{"layer", layer.name},
                           {"times", layer.times},
                           {"gflop", work.flop() * 1e-9},
                           {"sgemm_gflops", product},
                           {"fma_gflops", peak}};
  for (int pass = 0; pass < passes; ++pass) {
    const Summary ms = summarize(times[pass]);
    const double gflops = work.flop() / ms.median * 1e-6;
    const double outside = share_outside(layer, pass, algorithms[pass]);
    std::printf("%-32s %-17s %7.2f [%7.2f %7.2f] %7.0f %5.0f%% %5.0f%% %6.0f%%  %s\n",
                layer.name.c_str(), kPasses[pass], ms.median, ms.p10, ms.p90, gflops,
                100 * gflops / product, 100 * gflops / peak, 100 * outside,
                algorithms[pass].c_str());
    result["passes"][kPasses[pass]] = {{"ms", as_json(ms)},
                                       {"gflops", gflops},
                                       {"share_of_sgemm", gflops / product},
                                       {"share_of_fma_peak", gflops / peak},
                                       {"share_outside", outside},
                                       {"algorithm", algorithms[pass]}};
  }
  std::fflush(stdout);
  return result;
}

/// A 3x3 convolution of stride 1, that behind an upsample in its sub-pixel form.
bool is_3x3(const Layer& layer) {
  if (std::holds_alternative<TransposedConv2d>(layer.geometry)) return false;
  const ConvolutionShape s = std::visit([](const auto& g) { return shape_of(g); }, layer.geometry);
  return s.kh == 3 && s.kw == 3 && s.stride == 1;
}

/// All 3x3 layers, each as often as the networks have it: total operations over total time, against
/// the same at the speed of dnnl_sgemm.
nlohmann::json together(const nlohmann::json& rows) {
  nlohmann::json result;
  for (const char* pass : kPasses) {
    double flop = 0, seconds = 0, product_seconds = 0;
    for (const nlohmann::json& row : rows) {
      if (!row["passes"].contains(pass)) continue;
      const double work = row["times"].get<double>() * row["gflop"].get<double>();
      flop += work;
      seconds += work / row["passes"][pass]["gflops"].get<double>();
      product_seconds += work / row["sgemm_gflops"].get<double>();
    }
    if (flop == 0) continue;
    std::printf("%-32s %-17s %7.2f %17s %7.0f %5.0f%%\n", "all 3x3 layers of stride 1", pass,
                seconds * 1e3, "", flop / seconds, 100 * product_seconds / seconds);
    result[pass] = {{"gflops", flop / seconds}, {"share_of_sgemm", product_seconds / seconds}};
  }
  return result;
}

/// Keeps our kernels and oneDNN's to an instruction set.
void use_target(const std::string& name) {
  if (name.empty()) return;
  const bool avx2 = name == "avx2";
  hwy::SetSupportedTargetsForTest(avx2 ? HWY_AVX2 : HWY_STATIC_TARGET);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  setenv("ONEDNN_MAX_CPU_ISA", avx2 ? "AVX2" : "SSE41", 1);
}

int summary(const Options& options) {
  use_target(options.target);
  const auto backend = backend_for(options);
  if (!is_right(*backend)) return 1;
  Sgemm sgemm;
  sgemm.gflops();
  nlohmann::json report = {{"benchmark", "conv"},
                           {"device", backend->description()},
                           {"batch", options.batch},
                           {"rounds", options.rounds}};
  std::printf("%s, batch %d\n%-32s %-17s %7s [%7s %7s] %7s %6s %6s %7s  %s\n",
              backend->description().c_str(), options.batch, "layer", "pass", "ms", "p10", "p90",
              "GFLOP/s", "sgemm", "FMA", "outside", "algorithm");
  nlohmann::json of_3x3;
  for (const Layer& layer : network_layers(options.batch)) {
    if (layer.name.find(options.filter) == std::string::npos) continue;
    report["layers"].push_back(measure(layer, options, sgemm));
    if (is_3x3(layer)) of_3x3.push_back(report["layers"].back());
  }
  report["all_3x3"] = together(of_3x3);
  return write_report(options.json, report);
}

void register_benchmarks(const std::shared_ptr<Backend>& backend, int batch) {
  for (const Layer& layer : network_layers(batch)) {
    for (int pass = 0; pass < passes_of(layer); ++pass) {
      const std::string name = layer.name + "/" + kPasses[pass];
      benchmark::RegisterBenchmark(
          name.c_str(),
          [backend, layer, pass](benchmark::State& state) {
            Work work(*backend, layer);
            for (auto _ : state) work.run(pass);
            state.counters["FLOP/s"] =
                benchmark::Counter(work.flop(), benchmark::Counter::kIsIterationInvariantRate);
          })
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (name == "--summary") options.summary = true;
    if (name == "--json") options.summary = true, options.json = value;
    if (name == "--filter") options.filter = value;
    if (name == "--rounds") options.rounds = std::max(1, std::atoi(value));
    if (name == "--conv-algo") options.conv_algo = value;
    if (name == "--target") options.target = value;
    if (name == "--batch") options.batch = std::max(1, std::atoi(value));
  }
  return options;
}

}  // namespace
}  // namespace afterglow::bench

int main(int argc, char** argv) {
  using namespace afterglow::bench;
  const Options options = parse(argc, argv);
  if (options.summary) return summary(options);
  const auto backend = afterglow::make_cpu_backend();
  if (!is_right(*backend)) return 1;
  register_benchmarks(backend, options.batch);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
