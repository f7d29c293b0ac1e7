// Each layer, training steps and frames on a card, through the backend as a run uses it.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <random>
#include <span>
#include <variant>

#include "base/error.hpp"
#include "bench/gpu.hpp"
#include "bench/layers.hpp"
#include "kernels/cuda/cuda_backend.hpp"
#include "kernels/device_array.hpp"
#include "nn/models/colorization_model.hpp"
#include "nn/ops/ops.hpp"
#include "nn/optimizer.hpp"
#include "nn/recurrent_colorizer.hpp"
#include "nn/repeated.hpp"
#include "nn/steady_colorizer.hpp"
#include "support/steady_clip.hpp"

namespace afterglow::bench {
namespace {

constexpr float kBeta = 0.8F;

struct Setting {
  std::string name;
  Precision precision;
};
const Setting kSettings[] = {
    {"fp32", Precision::kFloat32}, {"tf32", Precision::kTf32}, {"bf16", Precision::kBfloat16}};

using Clock = std::chrono::steady_clock;
double microseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

/// Pictures whose colours drift from frame to frame, with some noise: something to learn from.
std::vector<std::uint8_t> clip(std::int64_t frames, double phase, double noise) {
  std::mt19937 generator(1);
  std::uniform_real_distribution<double> uniform(-noise, noise);
  std::vector<std::uint8_t> bytes;
  for (std::int64_t t = 0; t < frames; ++t) {
    for (int y = 0; y < kNetworkSize; ++y) {
      for (int x = 0; x < kNetworkSize; ++x) {
        for (int c = 0; c < 3; ++c) {
          const double wave = std::sin(0.07 * double(x + t) + 0.05 * y + c + phase);
          bytes.push_back(static_cast<std::uint8_t>(127.5 + 90 * wave + uniform(generator)));
        }
      }
    }
  }
  return bytes;
}

Tensor frames(const std::shared_ptr<Backend>& backend, std::int64_t count, double phase,
              double noise) {
  const std::vector<std::uint8_t> bytes = clip(count, phase, noise);
  return Tensor::from_host(backend, {count, kNetworkSize, kNetworkSize, 3}, std::span(bytes));
}

/// A network in training on a batch of its own.
class Training {
 public:
  Training(Arch arch, const std::shared_ptr<Backend>& backend, const Effort& effort)
      : backend_(backend),
        model_(make_model(backend, {arch, Decoder::kUpsample, effort.narrow}, 1)),
        adam_(model_->parameters(), {}),
        current_(frames(backend, effort.batch, 0, 30)),
        previous_(frames(backend, effort.batch, -0.07, 30)),
        truth_(frames(backend, effort.batch, 0, 0)),
        starts_(backend, std::vector<std::uint8_t>(static_cast<std::size_t>(effort.batch))),
        value_(backend),
        passes_([this] {
          const Variable x = ops::concat_channels(Variable(current_), Variable(previous_));
          ops::backward_temporal_mse(model_->forward(x), truth_, kBeta, starts_, value_);
          adam_.apply();
        }) {
    model_->train(true);
  }

  void step() {
    adam_.begin();
    passes_.run(*backend_);
    adam_.end();
  }
  /// Waits for the steps.
  double loss() const { return value_.value().loss; }

 private:
  std::shared_ptr<Backend> backend_;
  std::unique_ptr<ColorizationModel> model_;
  Adam adam_;
  Tensor current_, previous_, truth_;
  DeviceArray<std::uint8_t> starts_;
  DeviceArray<TemporalMseValue> value_;
  Repeated passes_;
};

/// The time of one `work` in runs of `each`, behind which `wait` waits.
template <typename Work, typename Wait>
std::vector<double> host_microseconds(int runs, int each, const Work& work, const Wait& wait) {
  for (int i = 0; i < 3; ++i) work();  // tunes, records
  wait();
  std::vector<double> samples;
  for (int run = 0; run < runs; ++run) {
    const auto start = Clock::now();
    for (int i = 0; i < each; ++i) work();
    wait();
    samples.push_back(microseconds_since(start) / each);
  }
  return samples;
}

std::string gibibytes(const Backend& backend) {
  char text[64];
  std::snprintf(text, sizeof text, "peak %.2f GiB",
                static_cast<double>(backend.memory().peak_in_use) / (1 << 30));
  return text;
}

/// Throws Error unless the loss fell; for a row's note.
std::string checked_losses(const std::string& what, double first, double after, int steps) {
  const std::string told = std::to_string(first) + " to " + std::to_string(after) + " in " +
                           std::to_string(steps) + " steps";
  if (!std::isfinite(after) || after >= first) throw Error(what + ": the loss went from " + told);
  return ", loss " + told;
}

GpuRow training_row(const Effort& effort, Arch arch, const Setting& setting, bool graphs) {
  const auto backend = std::make_shared<cuda::CudaBackend>(0, setting.precision, graphs);
  Training training(arch, backend, effort);
  training.step();
  const double first = training.loss();
  for (int step = 0; step < effort.steps; ++step) training.step();
  const std::string losses =
      checked_losses(arch_name(arch) + ", " + setting.name, first, training.loss(), effort.steps);
  const std::string name = arch_name(arch) + " training step, " + std::to_string(effort.batch) +
                           " frames" + (graphs ? "" : ", no graphs");
  GpuRow row = gpu_row("step", name, setting.name,
                       host_microseconds(
                           effort.runs, effort.runs == 1 ? 1 : 10, [&] { training.step(); },
                           [&] { (void)training.loss(); }));
  row.rate = 1e6 * effort.batch / row.median;
  row.unit = "frames/s";
  row.note = gibibytes(*backend) + losses;
  return row;
}

/// A colorizer's step on one frame, over and over.
template <typename Colorizer, typename Frame>
GpuRow frame_row(const Effort& effort, const std::string& name, const Setting& setting,
                 const cuda::CudaBackend& backend, Colorizer& colorizer, const Frame& frame) {
  Tensor output;
  GpuRow row =
      gpu_row("frame", name, setting.name,
              host_microseconds(
                  effort.runs, effort.runs == 1 ? 1 : 50, [&] { output = colorizer.step(frame); },
                  [&] { (void)output.to_host(); }));
  row.rate = 1e6 / row.median;
  row.unit = "frames/s";
  row.note = gibibytes(backend);
  return row;
}

GpuRow frame_row(const Effort& effort, Arch arch, const Setting& setting, bool graphs) {
  const auto backend = std::make_shared<cuda::CudaBackend>(0, setting.precision, graphs);
  const auto model = make_model(backend, {arch, Decoder::kUpsample, effort.narrow}, 1);
  RecurrentColorizer colorizer(*model, Previous::kOwn);
  const Tensor frame = frames(backend, 1, 0, 30);
  const std::string name = arch_name(arch) + " frame" + (graphs ? "" : ", no graphs");
  return frame_row(effort, name, setting, *backend, colorizer, frame);
}

/// A side of the steady network's planes, which have half of the film's resolution.
std::int64_t plane_side(const Effort& effort, std::int64_t pixels) {
  return std::max(kSteadyStride, pixels / 2 / effort.shrink / kSteadyStride * kSteadyStride);
}

/// The frames of a test::SteadyClip, made once.
class KeptClip {
 public:
  KeptClip(const test::SteadyClip& clip, int frames) : nothing_(clip.nothing_before()) {
    for (int t = 0; t < frames; ++t) {
      frames_.push_back(clip.frame(t));
      truths_.push_back(clip.truth(t));
    }
  }

  const SteadyFrames& frame(int t) const { return frames_[static_cast<std::size_t>(t)]; }
  const SteadyTruth& truth(int t) const { return truths_[static_cast<std::size_t>(t)]; }
  const SteadyState& nothing_before() const { return nothing_; }

 private:
  std::vector<SteadyFrames> frames_;
  std::vector<SteadyTruth> truths_;
  SteadyState nothing_;
};

/// As `train --arch steady` makes them, but for its frames, which lie on the device here.
GpuRow steady_training_row(const Effort& effort, const Setting& setting) {
  const int streams = std::max(1, 8 / effort.shrink), frames = std::max(2, 6 / effort.shrink);
  const auto backend = std::make_shared<cuda::CudaBackend>(0, setting.precision, true);
  const auto model = make_steady(backend, SteadyArch::kSteady, 1);
  Adam adam(model->parameters(),
            {.learning_rate = 5e-4, .epsilon = 1e-8, .clip_norm = 1, .weight_decay = 0.02});
  const KeptClip clip({backend, streams, plane_side(effort, 128), plane_side(effort, 160)}, frames);
  double loss = 0;
  const auto step = [&] {
    loss = double{test::backward_steady(*model, clip, frames)};  // waits
    adam.step();
  };
  step();
  const double first = loss;
  for (int i = 0; i < effort.steps; ++i) step();
  const std::string losses = checked_losses("steady, " + setting.name, first, loss, effort.steps);
  GpuRow row =
      gpu_row("step",
              "steady training step, " + std::to_string(streams) + " x " + std::to_string(frames) +
                  " frames",
              setting.name, host_microseconds(effort.runs, effort.runs == 1 ? 1 : 10, step, [] {}));
  row.rate = 1e6 * streams * frames / row.median;
  row.unit = "frames/s";
  row.note = gibibytes(*backend) + losses;
  return row;
}

/// Of a film of 256 x 144.
GpuRow steady_frame_row(const Effort& effort, const Setting& setting) {
  const auto backend = std::make_shared<cuda::CudaBackend>(0, setting.precision, true);
  const auto model = make_steady(backend, SteadyArch::kSteady, 1);
  const test::SteadyClip clip(backend, 1, plane_side(effort, 144), plane_side(effort, 256));
  SteadyColorizer colorizer(*model);
  colorizer.step(clip.frame(0));
  const SteadyFrames frame = clip.frame(1);
  return frame_row(effort, "steady frame", setting, *backend, colorizer, frame);
}

/// The passes of one layer, each recorded as a graph of several.
class LayerTimes {
 public:
  LayerTimes(const Effort& effort, const Setting& setting, std::function<void(const GpuRow&)> add)
      : effort_(effort),
        setting_(setting),
        backend_(std::make_shared<cuda::CudaBackend>(0, setting.precision, true)),
        add_(std::move(add)) {}

  void operator()(const Layer& layer) {
    if (const auto* g = std::get_if<Conv2dGeometry>(&layer.geometry)) {
      passes(layer, *g, g->flop());
    } else if (const auto* up = std::get_if<UpsampleConv2dGeometry>(&layer.geometry)) {
      passes(layer, *up, low_flop(*up));
    }
  }

 private:
  /// Of the sub-pixel form.
  static double low_flop(const UpsampleConv2dGeometry& g) {
    return 2.0 * g.n * g.low_h() * g.low_w() * 4 * g.k * g.low_taps() * g.low_taps() * g.c;
  }

  Tensor random(const Shape& shape, ValueType type) {
    std::mt19937 generator(++seed_);
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<float> values(static_cast<std::size_t>(shape.size()));
    for (float& value : values) value = uniform(generator);
    const Tensor floats = Tensor::from_host(backend_, shape, values);
    Tensor result(backend_, shape, type);
    backend_->copy(floats.source(), result.destination());
    return result;
  }

  template <typename Geometry>
  void passes(const Layer& layer, const Geometry& g, double flop) {
    if (flop > effort_.most_flop) return;
    const ValueType type = backend_->activation_type();
    const Tensor x = random({g.n, g.h, g.w, g.c}, type);
    const Tensor dy = random({g.n, g.out_h(), g.out_w(), g.k}, type);
    const Tensor w = random(kernel_shape(g), ValueType::kFloat32);
    const Tensor b = random({g.k}, ValueType::kFloat32);
    Tensor y(backend_, dy.shape(), type), dx(backend_, x.shape(), type);
    Tensor dw(backend_, w.shape()), db(backend_, b.shape());
    const Kernel kernel = w.kernel(true);
    time(layer.name + " forward", flop, [&] {
      if constexpr (std::is_same_v<Geometry, Conv2dGeometry>) {
        backend_->conv2d(g, x.source(), kernel, {b.source(), Activation::kRelu}, y.destination());
      } else {
        backend_->upsample_conv2d(g, x.source(), kernel, {b.source(), Activation::kRelu},
                                  y.destination());
      }
    });
    time(layer.name + " backward data", flop, [&] {
      if constexpr (std::is_same_v<Geometry, Conv2dGeometry>) {
        backend_->conv2d_backward_data(g, dy.source(), {}, kernel, dx.destination());
      } else {
        backend_->upsample_conv2d_backward_data(g, dy.source(), kernel, dx.destination());
      }
    });
    if (!layer.trained) return;
    time(layer.name + " backward weights", flop, [&] {
      if constexpr (std::is_same_v<Geometry, Conv2dGeometry>) {
        backend_->conv2d_backward_weights(g, x.source(), dy.source(), dw.destination(),
                                          db.destination());
      } else {
        backend_->upsample_conv2d_backward_weights(g, x.source(), dy.source(), dw.destination(),
                                                   db.destination());
      }
    });
  }

  static Shape kernel_shape(const Conv2dGeometry& g) { return {g.kh, g.kw, g.c, g.k}; }
  static Shape kernel_shape(const UpsampleConv2dGeometry& g) {
    return {g.ksize, g.ksize, g.c, g.k};
  }

  void time(const std::string& name, double flop, const std::function<void()>& pass) {
    constexpr int kInGraph = 10;
    pass();  // tunes
    const auto recording = backend_->record([&] {
      for (int i = 0; i < kInGraph; ++i) pass();
    });
    DeviceArray<std::uint8_t> something(backend_);
    std::vector<double> samples = host_microseconds(
        effort_.runs, 1, [&] { recording->replay(); }, [&] { (void)something.read(); });
    for (double& sample : samples) sample /= kInGraph;
    GpuRow row = gpu_row("layer", name, setting_.name, samples);
    row.rate = 1e-6 * flop / row.median;
    row.unit = "TFLOP/s";
    row.note = backend_->convolution_plans().back().algorithm;
    add_(row);
  }

  Effort effort_;
  Setting setting_;
  std::shared_ptr<Backend> backend_;
  std::function<void(const GpuRow&)> add_;
  unsigned seed_ = 0;
};

}  // namespace

std::vector<std::string> time_networks(const Effort& effort,
                                       const std::function<void(const GpuRow&)>& add) {
  std::vector<std::string> problems;
  const std::span<const Setting> settings =
      effort.one_setting ? std::span(kSettings).last(1) : std::span(kSettings);
  for (const Setting& setting : settings) {
    for (const Arch arch : {Arch::kAlexnet, Arch::kVgg16}) {
      for (const bool graphs : {true, false}) {
        if (effort.one_setting && (arch != Arch::kAlexnet || !graphs)) continue;
        attempt(problems, [&] { add(training_row(effort, arch, setting, graphs)); });
        attempt(problems, [&] { add(frame_row(effort, arch, setting, graphs)); });
      }
    }
    attempt(problems, [&] { add(steady_training_row(effort, setting)); });
    attempt(problems, [&] { add(steady_frame_row(effort, setting)); });
  }
  for (const Setting& setting : settings) {
    LayerTimes times(effort, setting, add);
    for (const Layer& layer : network_layers(effort.batch)) {
      attempt(problems, [&] { times(layer); });
    }
  }
  return problems;
}

}  // namespace afterglow::bench
