// The hand-written kernels on a card. Each is checked against its oracle on one frame, then timed
// on a batch.
#include <cmath>

#include "bench/gpu.hpp"
#include "bench/gpu_work.hpp"
#include "bench/relative_error.hpp"
#include "kernels/cuda/kernels.hpp"
#include "support/oracle_elementwise.hpp"
#include "support/oracle_motion_temporal_mse.hpp"
#include "support/oracle_norm.hpp"
#include "support/oracle_pool.hpp"
#include "support/oracle_temporal_mse.hpp"

namespace afterglow::bench {
namespace {

constexpr float kBeta = 0.8F;
constexpr float kEpsilon = 1e-3F;
/// Of the largest value: bfloat16 rounds to 2^-8, float32 sums of thousands to some 1e-6.
constexpr double kFloatError = 1e-5, kBfloat16Error = 1.0 / 128;

template <typename T>
class Kernels {
 public:
  static std::vector<Maker> all() {
    std::vector<Maker> makers{loss<16, T>,
                              loss<16, std::uint8_t>,
                              loss<512, T>,
                              motion_loss<T>,
                              constant,
                              rectify,
                              rectify_backward,
                              sum,
                              multiple,
                              norm_forward,
                              norm_backward,
                              norm_inference,
                              norm_inference_backward,
                              max_pool,
                              max_pool_backward,
                              average_pool,
                              average_pool_backward,
                              rows,
                              bias,
                              expectation,
                              expectation_backward};
    if constexpr (std::is_same_v<T, float>) makers.push_back(blend);
    for (const auto& others : {layout_kernels<T>(), pixel_kernels<T>()}) {
      makers.insert(makers.end(), others.begin(), others.end());
    }
    return makers;
  }

 private:
  static constexpr double kBytes = sizeof(T);

  template <int kFrames, typename Y>
  static Work loss(const Extent& at) {
    const int frames = at.n == 1 ? 5 : kFrames;  // n = 1: the check
    const TemporalMseGeometry g{frames, at(128), at(128), 3, 0, 0, at(128), at(128)};
    const auto p = random<T>(g.size(), 1), gradient = empty<T>(g.size());
    const auto y = random<Y>(g.size(), 2);
    const auto starts = empty<std::uint8_t>(std::size_t(frames));
    starts->write(std::vector<std::uint8_t>(std::size_t(frames)));
    const auto value = empty<double>(3);
    const auto workspace = empty<std::uint8_t>(cuda::temporal_mse_workspace(g));
    workspace->write(std::vector<std::uint8_t>(cuda::temporal_mse_workspace(g)));
    const auto queue = [=](cudaStream_t stream) {
      cuda::temporal_mse(stream, g, kBeta, false, p->data(), y->data(), starts->data(),
                         gradient->data(), reinterpret_cast<TemporalMseValue*>(value->data()),
                         workspace->data());
    };
    const auto error = [=] {
      const auto expected = oracle::temporal_mse(g, double(kBeta), p->read(), y->read(),
                                                 std::vector<std::uint8_t>(std::size_t(frames)));
      return std::max(relative_error({value->read()[0]}, {expected.loss}),
                      relative_error(gradient->read(), expected.gradient));
    };
    const std::string target = sizeof(Y) == 1 ? ", bytes" : "";
    return {"temporal_mse " + std::to_string(kFrames) + "x128x128x3" + target,
            double(g.size()) * (2 * kBytes + sizeof(Y)), queue, error};
  }

  template <typename Y>
  static Work motion_loss(const Extent& at) {
    const FrameGeometry g{at.n == 1 ? 3 : 16, at(128), at(128), 3};  // n = 1: the check
    const auto p = random<T>(g.size(), 1), gradient = empty<T>(g.size());
    const auto y = random<Y>(g.size(), 2);
    const auto flow = random<float>(g.size() / 3 * 2, 3);
    const std::vector<std::uint8_t> no_starts(std::size_t(g.n));
    const auto starts = empty<std::uint8_t>(no_starts.size());
    starts->write(no_starts);
    const auto value = empty<double>(3);
    const auto workspace = empty<std::uint8_t>(cuda::motion_temporal_mse_workspace(g));
    const auto queue = [=](cudaStream_t stream) {
      cuda::motion_temporal_mse(
          stream, g, kBeta, p->data(), y->data(), flow->data(), starts->data(), gradient->data(),
          reinterpret_cast<TemporalMseValue*>(value->data()), workspace->data());
    };
    const auto error = [=] {
      const auto expected = oracle::motion_temporal_mse(g, double(kBeta), p->read(), y->read(),
                                                        flow->read(), no_starts);
      return std::max(relative_error({value->read()[0]}, {expected.loss}),
                      relative_error(gradient->read(), expected.gradient));
    };
    return {"motion_temporal_mse 16x128x128x3",
            double(g.size()) * (2 * kBytes + sizeof(Y) + 8.0 / 3), queue, error};
  }

  static Work constant(const Extent& at) {
    const auto size = at.pixels(128) * 64;
    const auto y = empty<T>(size);
    return {"fill 128x128x64", kBytes * double(size),
            [=](cudaStream_t stream) { cuda::fill(stream, std::int64_t(size), kBeta, y->data()); },
            [=] { return relative_error(y->read(), Doubles(size, double(kBeta))); }};
  }

  static Work rectify(const Extent& at) {
    const auto size = at.pixels(128) * 64;
    const auto x = random<T>(size, 1), y = empty<T>(size);
    return {
        "relu 128x128x64", 2 * kBytes * double(size),
        [=](cudaStream_t stream) { cuda::relu(stream, std::int64_t(size), x->data(), y->data()); },
        [=] { return relative_error(y->read(), oracle::relu(x->read())); }};
  }

  static Work rectify_backward(const Extent& at) {
    const auto size = at.pixels(128) * 64;
    const auto y = random<T>(size, 1), dy = random<T>(size, 2), dx = empty<T>(size);
    return {
        "relu_backward 128x128x64", 3 * kBytes * double(size),
        [=](cudaStream_t stream) {
          cuda::relu_backward(stream, std::int64_t(size), y->data(), dy->data(), dx->data());
        },
        [=] { return relative_error(dx->read(), oracle::relu_backward(y->read(), dy->read())); }};
  }

  static Work sum(const Extent& at) {
    const auto size = at.pixels(128) * 64;
    const auto a = random<T>(size, 1), b = random<T>(size, 2), y = empty<T>(size);
    return {"add 128x128x64", 3 * kBytes * double(size),
            [=](cudaStream_t stream) {
              cuda::add(stream, std::int64_t(size), a->data(), b->data(), y->data());
            },
            [=] {
              Doubles expected = a->read();
              const Doubles other = b->read();
              for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += other[i];
              return relative_error(y->read(), expected);
            }};
  }

  static Work multiple(const Extent& at) {
    const auto size = at.pixels(128) * 64;
    constexpr float kFactor = 0.7F;
    const auto x = random<T>(size, 1), y = empty<T>(size);
    return {"scale 128x128x64", 2 * kBytes * double(size),
            [=](cudaStream_t stream) {
              cuda::scale(stream, std::int64_t(size), x->data(), kFactor, y->data());
            },
            [=] {
              Doubles expected = x->read();
              for (double& value : expected) value *= double(kFactor);
              return relative_error(y->read(), expected);
            }};
  }

  /// Of float alone.
  static Work blend(const Extent& at) {
    const auto size = at.pixels(128) * 64;
    constexpr float kFactor = 0.7F, kShare = 0.1F;
    constexpr unsigned kSeed = 2;
    const auto x = random<float>(size, 1), y = random<float>(size, kSeed);
    return {"blend_into 128x128x64", 3 * kBytes * double(size),
            [=](cudaStream_t stream) {
              cuda::blend_into(stream, std::int64_t(size), x->data(), kFactor, kShare, y->data());
            },
            [=] {
              const Doubles before = random<float>(size, kSeed)->read();  // y is overwritten
              return relative_error(
                  y->read(), oracle::blend(x->read(), double(kFactor), double(kShare), before));
            }};
  }

  static Work norm_forward(const Extent& at) {
    const ChannelGeometry g{std::int64_t(at.pixels(64)), 96};
    const auto x = random<T>(g.size(), 1), y = empty<T>(g.size());
    const auto gamma = random<float>(96, 2), beta = random<float>(96, 3);
    const auto mean = empty<float>(96), variance = empty<float>(96), rest = empty<float>(96);
    const auto workspace = empty<std::uint8_t>(cuda::batch_norm_workspace(g));
    return {
        "batch norm, statistics and apply 64x64x96", 3 * kBytes * double(g.size()),
        [=](cudaStream_t stream) {
          cuda::batch_norm_statistics(stream, g, x->data(), mean->data(), variance->data(),
                                      rest->data(), workspace->data());
          cuda::batch_norm_apply(stream, g, x->data(), gamma->data(), beta->data(), mean->data(),
                                 rest->data(), variance->data(), kEpsilon, y->data());
        },
        [=] {
          return relative_error(
              y->read(),
              oracle::batch_norm(g, x->read(), gamma->read(), beta->read(), double(kEpsilon)).y);
        }};
  }

  static Work norm_backward(const Extent& at) {
    const ChannelGeometry g{std::int64_t(at.pixels(64)), 96};
    const auto x = random<T>(g.size(), 1), dy = random<T>(g.size(), 2), dx = empty<T>(g.size());
    const auto gamma = random<float>(96, 3);
    const auto mean = empty<float>(96), variance = empty<float>(96), rest = empty<float>(96);
    const auto dgamma = empty<float>(96), dbeta = empty<float>(96);
    const auto workspace = empty<std::uint8_t>(cuda::batch_norm_workspace(g));
    cuda::batch_norm_statistics(nullptr, g, x->data(), mean->data(), variance->data(), rest->data(),
                                workspace->data());
    AFTERGLOW_CUDA(cudaDeviceSynchronize());
    return {"batch norm backward 64x64x96", 5 * kBytes * double(g.size()),
            [=](cudaStream_t stream) {
              cuda::batch_norm_backward(stream, g, x->data(), dy->data(), gamma->data(),
                                        mean->data(), variance->data(), kEpsilon, dx->data(),
                                        dgamma->data(), dbeta->data(), workspace->data());
            },
            [=] {
              const auto expected = oracle::batch_norm_backward(g, x->read(), dy->read(),
                                                                gamma->read(), double(kEpsilon));
              return std::max(relative_error(dx->read(), expected.dx),
                              relative_error(dgamma->read(), expected.dgamma));
            }};
  }

  static Work max_pool(const Extent& at) {
    const Pool2dGeometry g{at.n, at(128), at(128), 64, 2, 2, Padding::kValid, true};
    const auto x = random<T>(g.x_size(), 1), y = empty<T>(g.y_size());
    const auto winners = empty<std::uint8_t>(g.winners_size());
    return {"max_pool2d behind ReLU 128x128x64",
            kBytes * double(g.x_size() + g.y_size()) + double(g.winners_size()),
            [=](cudaStream_t stream) {
              cuda::max_pool2d(stream, g, x->data(), y->data(), winners->data());
            },
            [=] { return relative_error(y->read(), oracle::max_pool2d(g, x->read()).y); }};
  }

  static Work max_pool_backward(const Extent& at) {
    const Pool2dGeometry g{at.n, at(128), at(128), 64, 2, 2, Padding::kValid};
    const auto x = random<T>(g.x_size(), 1), y = empty<T>(g.y_size());
    const auto dy = random<T>(g.y_size(), 2), dx = empty<T>(g.x_size());
    const auto winners = empty<std::uint8_t>(g.winners_size());
    cuda::max_pool2d(nullptr, g, x->data(), y->data(), winners->data());
    AFTERGLOW_CUDA(cudaDeviceSynchronize());
    return {"max_pool2d_backward 128x128x64",
            kBytes * double(g.x_size() + g.y_size()) + double(g.winners_size()),
            [=](cudaStream_t stream) {
              cuda::max_pool2d_backward(stream, g, dy->data(), winners->data(), dx->data());
            },
            [=] {
              return relative_error(dx->read(),
                                    oracle::max_pool2d_backward(g, x->read(), dy->read()));
            }};
  }

  static Work average_pool(const Extent& at) {
    const Pool2dGeometry g{at.n, at(60), at(60), 96, 3, 2, Padding::kValid};
    const auto x = random<T>(g.x_size(), 1), y = empty<T>(g.y_size());
    return {"avg_pool2d 60x60x96", kBytes * double(g.x_size() + g.y_size()),
            [=](cudaStream_t stream) { cuda::avg_pool2d(stream, g, x->data(), y->data()); },
            [=] { return relative_error(y->read(), oracle::avg_pool2d(g, x->read())); }};
  }

  static Work rows(const Extent& at) {
    const ChannelGeometry g{std::int64_t(at.pixels(128)), 96};
    const auto x = random<T>(g.size(), 1);
    const auto sums = empty<float>(96);
    const auto workspace = empty<std::uint8_t>(cuda::sum_rows_workspace(g));
    return {"sum_rows 128x128x96", kBytes * double(g.size()),
            [=](cudaStream_t stream) {
              cuda::sum_rows(stream, g, x->data(), sums->data(), workspace->data());
            },
            [=] { return relative_error(sums->read(), oracle::sum_rows(g, x->read())); }};
  }

  static Work bias(const Extent& at) {
    const ChannelGeometry g{std::int64_t(at.pixels(128)), 64};
    const auto x = random<T>(g.size(), 1), y = empty<T>(g.size());
    const auto b = random<float>(64, 2);
    return {"add_bias and ReLU 128x128x64", 2 * kBytes * double(g.size()),
            [=](cudaStream_t stream) {
              cuda::add_bias(stream, g, b->data(), Activation::kRelu, x->data(), y->data());
            },
            [=] {
              Doubles expected = x->read();
              const Doubles added = b->read();
              for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += added[i % 64];
              return relative_error(y->read(), oracle::relu(expected));
            }};
  }

  static Work norm_inference(const Extent& at) {
    const ChannelGeometry g{std::int64_t(at.pixels(64)), 96};
    const auto x = random<T>(g.size(), 1), y = empty<T>(g.size());
    const auto gamma = random<float>(96, 2), beta = random<float>(96, 3),
               mean = random<float>(96, 4);
    const auto variance = empty<float>(96);
    variance->write(std::vector<float>(96, 0.5F));
    return {"batch norm, inference 64x64x96", 2 * kBytes * double(g.size()),
            [=](cudaStream_t stream) {
              cuda::batch_norm_apply<T>(stream, g, x->data(), gamma->data(), beta->data(),
                                        mean->data(), nullptr, variance->data(), kEpsilon,
                                        y->data());
            },
            [=] {
              Doubles expected = x->read();
              const Doubles scales = gamma->read(), offsets = beta->read(), centres = mean->read();
              const double deviation = std::sqrt(0.5 + double(kEpsilon));
              for (std::size_t i = 0; i < expected.size(); ++i) {
                const std::size_t c = i % 96;
                expected[i] = scales[c] * (expected[i] - centres[c]) / deviation + offsets[c];
              }
              return relative_error(y->read(), expected);
            }};
  }

  /// One pass over x, dy and dx would do: the statistics are known.
  static Work norm_inference_backward(const Extent& at) {
    const ChannelGeometry g{std::int64_t(at.pixels(64)), 96};
    const auto x = random<T>(g.size(), 1), dy = random<T>(g.size(), 2), dx = empty<T>(g.size());
    const auto gamma = random<float>(96, 3), mean = random<float>(96, 4);
    const auto variance = empty<float>(96), dgamma = empty<float>(96), dbeta = empty<float>(96);
    variance->write(std::vector<float>(96, 0.5F));
    const auto workspace = empty<std::uint8_t>(cuda::batch_norm_workspace(g));
    return {"batch norm backward, inference 64x64x96", 3 * kBytes * double(g.size()),
            [=](cudaStream_t stream) {
              cuda::batch_norm_inference_backward(
                  stream, g, x->data(), dy->data(), gamma->data(), mean->data(), variance->data(),
                  kEpsilon, dx->data(), dgamma->data(), dbeta->data(), workspace->data());
            },
            [=] {
              const auto expected = oracle::batch_norm_inference_backward(
                  g, x->read(), dy->read(), gamma->read(), mean->read(), variance->read(),
                  double(kEpsilon));
              return std::max({relative_error(dx->read(), expected.dx),
                               relative_error(dgamma->read(), expected.dgamma),
                               relative_error(dbeta->read(), expected.dbeta)});
            }};
  }

  static Work average_pool_backward(const Extent& at) {
    const Pool2dGeometry g{at.n, at(60), at(60), 96, 3, 2, Padding::kValid};
    const auto dy = random<T>(g.y_size(), 1), dx = empty<T>(g.x_size());
    return {
        "avg_pool2d_backward 60x60x96", kBytes * double(g.x_size() + g.y_size()),
        [=](cudaStream_t stream) { cuda::avg_pool2d_backward(stream, g, dy->data(), dx->data()); },
        [=] { return relative_error(dx->read(), oracle::avg_pool2d_backward(g, dy->read())); }};
  }

  // ECCV16's last layer: 313 colours to their mean.
  static constexpr float kSharpness = 2.606F;

  static Work expectation(const Extent& at) {
    const SoftmaxMeanGeometry g{std::int64_t(at.pixels(56)), 313, 2};
    const auto x = random<T>(g.x_size(), 1), y = empty<T>(g.y_size());
    const auto centres = random<float>(std::size_t{313} * 2, 2);
    return {"softmax_mean 56x56x313", kBytes * double(g.x_size() + g.y_size()),
            [=](cudaStream_t stream) {
              cuda::softmax_mean(stream, g, kSharpness, x->data(), centres->data(), y->data());
            },
            [=] {
              return relative_error(y->read(), oracle::softmax_mean(g, double(kSharpness),
                                                                    x->read(), centres->read()));
            }};
  }

  static Work expectation_backward(const Extent& at) {
    const SoftmaxMeanGeometry g{std::int64_t(at.pixels(56)), 313, 2};
    const auto x = random<T>(g.x_size(), 1), dy = random<T>(g.y_size(), 3),
               dx = empty<T>(g.x_size());
    const auto centres = random<float>(std::size_t{313} * 2, 2);
    return {"softmax_mean_backward 56x56x313", kBytes * double(2 * g.x_size() + g.y_size()),
            [=](cudaStream_t stream) {
              cuda::softmax_mean_backward(stream, g, kSharpness, x->data(), centres->data(),
                                          dy->data(), dx->data());
            },
            [=] {
              return relative_error(dx->read(),
                                    oracle::softmax_mean_backward(g, double(kSharpness), x->read(),
                                                                  centres->read(), dy->read()));
            }};
  }
};

void time(cudaStream_t stream, const Effort& effort, const std::string& precision, double allowed,
          Maker make, const std::function<void(const GpuRow&)>& add) {
  const Work checked = make({1, effort.shrink});
  checked.queue(stream);
  AFTERGLOW_CUDA(cudaStreamSynchronize(stream));
  const double error = checked.error();
  if (!(error <= allowed)) {
    throw Error(checked.name + ", " + precision + ": wrong by " + std::to_string(error));
  }
  const Extent batch{effort.batch, effort.shrink};
  std::vector<Work> sets{make(batch)};
  while (static_cast<double>(sets.size()) * sets.front().bytes < effort.beyond_caches) {
    sets.push_back(make(batch));
  }
  const auto samples =
      device_microseconds(stream, effort, static_cast<int>(sets.size()),
                          [&](int set) { sets[static_cast<std::size_t>(set)].queue(stream); });
  GpuRow row = gpu_row("kernel", checked.name, precision, samples);
  row.rate = 1e-3 * sets.front().bytes / row.median;
  row.unit = "GB/s";
  add(row);
}

void require_right(const std::string& name, double error) {
  if (!(error <= kFloatError)) throw Error(name + ": wrong by " + std::to_string(error));
}

/// The sum of the gradients' squares, and a step.
void time_optimizer(cudaStream_t stream, const Effort& effort,
                    const std::function<void(const GpuRow&)>& add) {
  const std::size_t size = effort.parameters;
  const auto count = static_cast<std::int64_t>(size);
  const DeviceValues<float> gradient(size, 1), parameter(size, 2), m(size, 3);
  DeviceValues<float> v(size);
  DeviceValues<AdamRate> rate(1);
  rate.write({AdamRate{0.1F, 0.001F}});
  const DeviceValues<cuda::bfloat16> rounded(size);
  const DeviceValues<double> squares(1);
  const DeviceValues<std::uint8_t> workspace(cuda::sum_of_squares_workspace());
  cuda::fill(stream, count, 1.0F, v.data());  // no step is much larger than the others
  cuda::SumTable sum;
  sum.slots[sum.count++] = {gradient.data(), count};
  cuda::AdamTable table;
  table.slots[table.count++] = {
      gradient.data(), parameter.data(), m.data(), v.data(), rounded.data(), count, false};
  const AdamStep step;
  const auto sum_up = [&](int) {
    cuda::sum_of_squares(stream, sum, false, squares.data(), workspace.data());
  };
  const auto update = [&](int) { cuda::adam(stream, table, step, rate.data(), squares.data()); };
  sum_up(0);
  const Doubles g = gradient.read();
  double expected_sum = 0;
  for (const double value : g) expected_sum += value * value;
  require_right("sum_of_squares", relative_error(squares.read(), {expected_sum}));
  Doubles expected = parameter.read();
  const Doubles m_before = m.read(), v_before = v.read();
  for (std::size_t i = 0; i < size; ++i) {
    const double new_m = step.beta1 * m_before[i] + (1 - step.beta1) * g[i];
    const double new_v = step.beta2 * v_before[i] + (1 - step.beta2) * g[i] * g[i];
    const double change = 0.1 * new_m / (std::sqrt(new_v) + double(step.epsilon));
    expected[i] -= change + 0.001 * expected[i];
  }
  update(0);
  require_right("adam", relative_error(parameter.read(), expected));

  const auto time = [&](const std::string& name, double values, const auto& queue) {
    GpuRow row = gpu_row("kernel", name + ", " + std::to_string(size) + " parameters", "fp32",
                         device_microseconds(stream, effort, 1, queue));
    row.rate = 1e-3 * values * sizeof(float) * static_cast<double>(size) / row.median;
    row.unit = "GB/s";
    add(row);
  };
  time("sum_of_squares", 1, sum_up);
  time("adam and a bfloat16 copy", 7.5, update);
}

}  // namespace

std::vector<std::string> time_kernels(cudaStream_t stream, const Effort& effort,
                                      const std::function<void(const GpuRow&)>& add) {
  std::vector<std::string> problems;
  for (const Maker make : Kernels<float>::all()) {
    attempt(problems, [&] { time(stream, effort, "fp32", kFloatError, make, add); });
  }
  for (const Maker make : Kernels<bfloat16>::all()) {
    attempt(problems, [&] { time(stream, effort, "bf16", kBfloat16Error, make, add); });
  }
  attempt(problems, [&] { time_optimizer(stream, effort, add); });
  return problems;
}

}  // namespace afterglow::bench
