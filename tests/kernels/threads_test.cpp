#include <omp.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <vector>

#include "kernels/backend.hpp"
#include "support/guarded.hpp"
#include "support/scalars.hpp"

using namespace afterglow;
using test::Guarded;
using test::random_values;

namespace {

// Runs f with so many threads.
template <typename F>
auto with_threads(int count, F&& f) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(count);
  auto result = f();
  omp_set_num_threads(before);
  return result;
}

template <typename F>
void require_same_bits(F&& f) {
  const auto one = with_threads(1, f);
  for (const int threads : {2, 3, 7}) {
    CAPTURE(threads);
    REQUIRE(with_threads(threads, f) == one);
  }
}

}  // namespace

TEST_CASE("sums give the same bits whatever the number of threads") {
  const auto backend = make_cpu_backend();
  const ChannelGeometry g{5003, 37};
  const auto channels = std::size_t(g.channels);
  const Guarded x(*backend, random_values(g.size(), 1)), dy(*backend, random_values(g.size(), 2));
  const Guarded gamma(*backend, random_values(channels, 3)),
      beta(*backend, random_values(channels, 4));

  require_same_bits([&] { return test::sum_of_squares(backend, {x.span()}); });
  require_same_bits([&] {
    const Guarded sums(*backend, channels);
    backend->sum_rows(g, x.span(), sums.span());
    return sums.read();
  });
  require_same_bits([&] {
    const Guarded sums(*backend, channels);
    backend->sum_pixels({1, 5003, 1, 37}, 0.5F, x.span(), sums.span());
    return sums.read();
  });
  require_same_bits([&] {
    const Guarded y(*backend, g.size()), mean(*backend, channels), variance(*backend, channels);
    const Guarded dx(*backend, g.size()), dgamma(*backend, channels), dbeta(*backend, channels);
    backend->batch_norm(g, x.span(), gamma.span(), beta.span(), 1e-3F, y.span(), mean.span(),
                        variance.span());
    backend->batch_norm_backward(g, x.span(), dy.span(), gamma.span(), mean.span(), variance.span(),
                                 1e-3F, dx.span(), dgamma.span(), dbeta.span());
    return std::vector{y.read(),  mean.read(),   variance.read(),
                       dx.read(), dgamma.read(), dbeta.read()};
  });
}

TEST_CASE("the temporal loss gives the same bits whatever the number of threads") {
  const auto backend = make_cpu_backend();
  const TemporalMseGeometry g{45, 41, 43, 3, 0, 0, 41, 43};
  const Guarded p(*backend, random_values(g.size(), 1)), y(*backend, random_values(g.size(), 2));
  const std::vector<std::uint8_t> starts(45);
  require_same_bits([&] {
    const Guarded gradient(*backend, g.size());
    const auto value =
        test::temporal_mse(backend, g, 0.8F, p.span(), y.span(), starts, gradient.span());
    return std::tuple{value.loss, value.fidelity, value.temporal, gradient.read()};
  });
}

TEST_CASE("the loss along the motion gives the same bits whatever the number of threads") {
  const auto backend = make_cpu_backend();
  const FrameGeometry g{9, 41, 43, 3};
  const Guarded p(*backend, random_values(g.size(), 1)), y(*backend, random_values(g.size(), 2));
  std::vector<float> ways = random_values(g.size() / 3 * 2, 3);
  for (float& way : ways) way *= 5;
  const Guarded flow(*backend, ways);
  const std::vector<std::uint8_t> starts(9);
  require_same_bits([&] {
    const Guarded gradient(*backend, g.size());
    const auto value = test::motion_temporal_mse(backend, g, 0.8F, p.span(), y.span(), flow.span(),
                                                 starts, gradient.span());
    return std::tuple{value.loss, value.fidelity, value.temporal, gradient.read()};
  });
}

TEST_CASE("warp and its gradient give the same bits whatever the number of threads") {
  const auto backend = make_cpu_backend();
  const FrameGeometry g{9, 41, 43, 3};
  const Guarded x(*backend, random_values(g.size(), 1)), dy(*backend, random_values(g.size(), 2));
  std::vector<float> ways = random_values(g.size() / 3 * 2, 3);
  for (float& way : ways) way *= 5;
  const Guarded flow(*backend, ways);
  require_same_bits([&] {
    const Guarded y(*backend, g.size()), dx(*backend, g.size());
    backend->warp(g, x.span(), flow.span(), y.span());
    backend->warp_backward(g, dy.span(), flow.span(), dx.span());
    return std::pair{y.read(), dx.read()};
  });
}

TEST_CASE("overlapping windows give the same gradient whatever the number of threads") {
  const auto backend = make_cpu_backend();
  const Pool2dGeometry g{2, 33, 29, 19, 3, 2, Padding::kSame};
  const Guarded x(*backend, random_values(g.x_size(), 1)),
      dy(*backend, random_values(g.y_size(), 2));
  require_same_bits([&] {
    const Guarded y(*backend, g.y_size()), max_dx(*backend, g.x_size()),
        avg_dx(*backend, g.x_size());
    std::vector<std::uint8_t> winners(g.winners_size());
    backend->max_pool2d(g, x.span(), y.span(), winners);
    backend->max_pool2d_backward(g, dy.span(), winners, max_dx.span());
    backend->avg_pool2d_backward(g, dy.span(), avg_dx.span());
    return std::tuple{y.read(), winners, max_dx.read(), avg_dx.read()};
  });
}
