// The temporal loss with its gradient beside a triad (two reads, one write) of the same arrays.
//
//   bench_temporal_mse                             Google Benchmark and its options
//   bench_temporal_mse --summary [--json FILE] [--filter TEXT] [--seconds N]
#include "bench/memory_bound.hpp"
#include "kernels/device_array.hpp"
#include "support/oracle_temporal_mse.hpp"

namespace afterglow::bench {
namespace {

constexpr float kBeta = 0.8F;

Work loss_and_gradient(const std::shared_ptr<Backend>& shared, std::int32_t n, std::int32_t size) {
  const TemporalMseGeometry g{n, size, size, 3, 0, 0, size, size};
  const auto prepare = [shared, g] {
    Backend& backend = *shared;
    const Array p(backend, g.size(), 1), y(backend, g.size(), 2), gradient(backend, g.size(), 3);
    std::vector<std::uint8_t> starts(std::size_t(g.n));
    starts[starts.size() / 2] = 1;
    const DeviceArray<std::uint8_t> on_device(shared, starts);
    const DeviceArray<TemporalMseValue> loss(shared);
    const auto run = [&backend, g, p, y, gradient, on_device, loss] {
      backend.temporal_mse(g, kBeta, p.span(), y.span(), on_device.span(), gradient.span(),
                           loss.data());
    };
    return Prepared{run, [&backend, g, p, y, gradient, starts, loss, run] {
                      run();
                      const TemporalMseValue value = loss.value();
                      const auto reference = oracle::temporal_mse(g, double(kBeta), p.read(backend),
                                                                  y.read(backend), starts);
                      return std::max(relative_error({value.loss}, {reference.loss}),
                                      relative_error(gradient.read(backend), reference.gradient));
                    }};
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
  constexpr double kFloats = 1e-6;
  if (!are_right({loss_and_gradient(backend, 37, 19)}, kFloats)) return 1;
  return run_memory_bound(argc, argv, "temporal_mse", *backend,
                          {loss_and_gradient(backend, 16, 128), loss_and_gradient(backend, 64, 128),
                           loss_and_gradient(backend, 512, 128)});
}
