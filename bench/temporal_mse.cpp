// The temporal loss with its gradient beside a triad (two reads, one write) of the same arrays.
//
//   bench_temporal_mse                             Google Benchmark and its options
//   bench_temporal_mse --summary [--json FILE] [--filter TEXT] [--seconds N]
#include "bench/memory_bound.hpp"
#include "support/oracle_temporal_mse.hpp"

namespace afterglow::bench {
namespace {

constexpr float kBeta = 0.8F;

TemporalMseGeometry frames(std::int32_t n, std::int32_t size) {
  return {n, size, size, 3, 0, 0, size, size};
}

// A wrong kernel is not worth timing.
bool is_right(Backend& backend) {
  constexpr double kFloats = 1e-6;
  const TemporalMseGeometry g{37, 19, 23, 3, 0, 0, 19, 23};
  std::vector<std::uint8_t> starts(37);
  starts[5] = starts[6] = 1;
  const Array p(backend, g.size(), 1), y(backend, g.size(), 2), gradient(backend, g.size(), 3);
  const auto value = backend.temporal_mse(g, kBeta, p.span(), y.span(), starts, gradient.span());
  const auto reference =
      oracle::temporal_mse(g, double(kBeta), p.read(backend), y.read(backend), starts);
  const double error = std::max(relative_error({value.loss}, {reference.loss}),
                                relative_error(gradient.read(backend), reference.gradient));
  std::printf("check  largest error / largest value = %.1e\n", error);
  return error < kFloats;
}

Work loss_and_gradient(Backend& backend, std::int32_t n, std::int32_t size) {
  const TemporalMseGeometry g = frames(n, size);
  const auto prepare = [&backend, g] {
    const Array p(backend, g.size(), 1), y(backend, g.size(), 2), gradient(backend, g.size(), 3);
    const std::vector<std::uint8_t> starts(std::size_t(g.n));
    return std::function<void()>([&backend, g, p, y, gradient, starts] {
      const auto value =
          backend.temporal_mse(g, kBeta, p.span(), y.span(), starts, gradient.span());
      benchmark::DoNotOptimize(value);
    });
  };
  const std::string pixels = std::to_string(size);
  return {"temporal_mse " + std::to_string(n) + "x" + pixels + "x" + pixels + "x3", g.size(), 3,
          true, prepare};
}

}  // namespace
}  // namespace afterglow::bench

int main(int argc, char** argv) {
  using namespace afterglow::bench;
  const auto backend = afterglow::make_cpu_backend();
  if (!is_right(*backend)) return 1;
  return run_memory_bound(
      argc, argv, "temporal_mse", *backend,
      {loss_and_gradient(*backend, 16, 128), loss_and_gradient(*backend, 64, 128),
       loss_and_gradient(*backend, 512, 128)});
}
