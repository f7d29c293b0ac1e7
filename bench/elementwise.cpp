// Everything but convolutions and the loss, at sizes of the networks' layers, beside a copy (one
// read, one write) or a triad (two reads, one write) of the same arrays.
//
//   bench_elementwise                              Google Benchmark and its options
//   bench_elementwise --summary [--json FILE] [--filter TEXT] [--seconds N]
#include "bench/memory_bound.hpp"
#include "support/oracle_norm.hpp"
#include "support/oracle_pool.hpp"

namespace afterglow::bench {
namespace {

constexpr float kEpsilon = 1e-3F;

// A batch of 16 activations of size x size pixels.
struct Layer {
  std::int32_t size, channels;

  std::size_t count() const { return 16 * std::size_t(size) * size * channels; }
  ChannelGeometry rows() const { return {16 * std::int64_t{size} * size, channels}; }
  Pool2dGeometry pool() const { return {16, size, size, channels, 2, 2, Padding::kValid}; }
  std::string name() const {
    return " 16x" + std::to_string(size) + "x" + std::to_string(size) + "x" +
           std::to_string(channels);
  }
};

// A wrong kernel is not worth timing.
bool is_right(Backend& backend) {
  constexpr double kFloats = 1e-5;
  const Layer small{6, 19};
  const auto channels = std::size_t(small.channels);
  const Array x(backend, small.count(), 1), y(backend, small.count(), 2),
      gamma(backend, channels, 3), beta(backend, channels, 4), mean(backend, channels, 5),
      variance(backend, channels, 6), pooled(backend, small.count() / 4, 7);
  backend.batch_norm(small.rows(), x.span(), gamma.span(), beta.span(), kEpsilon, y.span(),
                     mean.span(), variance.span());
  backend.max_pool2d(small.pool(), x.span(), pooled.span(), {});
  const auto in = x.read(backend);
  const double error = std::max(
      relative_error(y.read(backend), oracle::batch_norm(small.rows(), in, gamma.read(backend),
                                                         beta.read(backend), double(kEpsilon))
                                          .y),
      relative_error(pooled.read(backend), oracle::max_pool2d(small.pool(), in).y));
  std::printf("check  largest error / largest value = %.1e\n", error);
  return error < kFloats;
}

// Three arrays of equal size and a function of them.
template <typename F>
Work on_arrays(Backend& backend, const std::string& name, std::size_t count, double passes,
               bool triad, F f) {
  return {name, count, passes, triad, [&backend, count, f] {
            const Array a(backend, count, 1), b(backend, count, 2), c(backend, count, 3);
            return std::function<void()>(
                [&backend, a, b, c, f] { f(backend, a.span(), b.span(), c.span()); });
          }};
}

// The same with five arrays of one value per channel.
template <typename F>
Work on_channels(Backend& backend, const std::string& name, const Layer& layer, double passes,
                 bool triad, F f) {
  const auto channels = std::size_t(layer.channels);
  return on_arrays(backend, name + layer.name(), layer.count(), passes, triad,
                   [layer, f,
                    parameters = std::vector<Array>{{backend, channels, 4},
                                                    {backend, channels, 5},
                                                    {backend, channels, 6},
                                                    {backend, channels, 7}},
                    variance = Array(backend, channels, 8)](Backend& cpu, Destination x,
                                                            Destination dy, Destination y) {
                     cpu.fill(variance.span(), 0.5F);
                     f(cpu, layer.rows(), x, dy, y, parameters, variance.span());
                   });
}

std::vector<Work> on_layer(Backend& backend, const Layer& layer) {
  const std::size_t count = layer.count();
  const std::string name = layer.name();
  using Arrays = const std::vector<Array>&;
  std::vector<Work> works{
      on_arrays(backend, "relu" + name, count, 2, false,
                [](Backend& cpu, Destination x, Destination, Destination y) { cpu.relu(x, y); }),
      on_arrays(backend, "relu_backward" + name, count, 3, true,
                [](Backend& cpu, Destination y, Destination dy, Destination dx) {
                  cpu.relu_backward(y, dy, dx);
                }),
      on_arrays(
          backend, "add" + name, count, 3, true,
          [](Backend& cpu, Destination a, Destination b, Destination y) { cpu.add(a, b, y); }),
      on_channels(backend, "batch_norm", layer, 3, false,
                  [](Backend& cpu, const ChannelGeometry& g, Destination x, Destination,
                     Destination y, Arrays p, Destination variance) {
                    cpu.batch_norm(g, x, p[0].span(), p[1].span(), kEpsilon, y, p[2].span(),
                                   variance);
                  }),
      on_channels(backend, "batch_norm_backward", layer, 5, true,
                  [](Backend& cpu, const ChannelGeometry& g, Destination x, Destination dy,
                     Destination dx, Arrays p, Destination variance) {
                    cpu.batch_norm_backward(g, x, dy, p[0].span(), p[1].span(), variance, kEpsilon,
                                            dx, p[2].span(), p[3].span());
                  }),
      on_channels(backend, "batch_norm_inference", layer, 2, false,
                  [](Backend& cpu, const ChannelGeometry& g, Destination x, Destination,
                     Destination y, Arrays p, Destination variance) {
                    cpu.batch_norm_inference(g, x, p[0].span(), p[1].span(), p[2].span(), variance,
                                             kEpsilon, y);
                  }),
  };
  // Reads x, writes a quarter of it and of its bytes.
  const auto winners = std::make_shared<std::vector<std::uint8_t>>(count / 4);
  const Pool2dGeometry pool = layer.pool();
  works.push_back(
      on_arrays(backend, "max_pool2d" + name, count, 1.3125, false,
                [pool, winners](Backend& cpu, Destination x, Destination, Destination y) {
                  cpu.max_pool2d(pool, x, y.first(pool.y_size()), *winners);
                }));
  works.push_back(
      on_arrays(backend, "max_pool2d_backward" + name, count, 1.3125, false,
                [pool, winners](Backend& cpu, Destination dy, Destination, Destination dx) {
                  cpu.max_pool2d_backward(pool, dy.first(pool.y_size()), *winners, dx);
                }));
  return works;
}

Work adam(Backend& backend, std::size_t count) {
  const Array v(backend, count, 9);
  backend.fill(v.span(), 0.01F);
  return on_arrays(backend, "adam " + std::to_string(count), count, 7, true,
                   [v](Backend& cpu, Destination gradient, Destination parameter, Destination m) {
                     AdamStep step;
                     step.rate = 1e-4F;
                     cpu.adam(step, gradient, parameter, m, v.span());
                   });
}

std::vector<Work> all(Backend& backend) {
  std::vector<Work> works;
  for (const Layer& layer : {Layer{128, 64}, Layer{64, 96}, Layer{32, 256}, Layer{128, 3}}) {
    const auto more = on_layer(backend, layer);
    works.insert(works.end(), more.begin(), more.end());
  }
  constexpr std::size_t kTrained = 7'065'438;  // parameters of the VGG16 network that are trained
  works.push_back(adam(backend, kTrained));
  works.push_back(on_arrays(backend, "sum_of_squares " + std::to_string(kTrained), kTrained, 1,
                            false, [](Backend& cpu, Destination x, Destination, Destination) {
                              benchmark::DoNotOptimize(cpu.sum_of_squares(x));
                            }));
  return works;
}

}  // namespace
}  // namespace afterglow::bench

int main(int argc, char** argv) {
  using namespace afterglow::bench;
  const auto backend = afterglow::make_cpu_backend();
  if (!is_right(*backend)) return 1;
  return run_memory_bound(argc, argv, "elementwise", *backend, all(*backend));
}
