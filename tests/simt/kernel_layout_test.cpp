#include "simt/kernel_test.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

cuda::KernelLayout any_layout() {
  return GENERATE(cuda::KernelLayout{1, 1, 1, 1, 1, 1}, cuda::KernelLayout{3, 3, 6, 5, 8, 8},
                  cuda::KernelLayout{5, 2, 7, 11, 7, 11}, cuda::KernelLayout{3, 3, 33, 65, 40, 72},
                  cuda::KernelLayout{1, 1, 64, 96, 64, 96});
}

std::size_t w_size(const cuda::KernelLayout& g) {
  return std::size_t(g.kh) * std::size_t(g.kw) * std::size_t(g.in) * std::size_t(g.out);
}
std::size_t packed_size(const cuda::KernelLayout& g) {
  return std::size_t(g.kh) * std::size_t(g.kw) * std::size_t(g.padded_in) *
         std::size_t(g.padded_out);
}

UpsampleConv2dGeometry any_sub_pixel() {
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto ksize = GENERATE(1, 3, 5, 7);
  const auto [c, k] = GENERATE(table<std::int32_t, std::int32_t>({{1, 1}, {3, 5}, {12, 33}}));
  return {1, 8, 8, c, k, ksize, padding};
}

/// Calls f(place in w, place in the packed kernel) for every tap that counts there.
template <typename F>
void for_every_tap(const UpsampleConv2dGeometry& g, std::int32_t padded_in, const F& f) {
  const int pad = g.padding == Padding::kSame ? (g.ksize - 1) / 2 : 0;
  // Output row 2i + p reads, with tap a, row floor((p + a - pad) / 2) of the input, from i on.
  const auto row = [&](int p, int a) { return int(std::floor((p + a - pad) / 2.0)); };
  const int first = row(0, 0), taps = row(1, g.ksize - 1) - first + 1;
  for (int parity = 0; parity < 4; ++parity) {
    for (int a = 0; a < g.ksize; ++a) {
      for (int b = 0; b < g.ksize; ++b) {
        const int ty = row(parity / 2, a) - first, tx = row(parity % 2, b) - first;
        for (int i = 0; i < g.c; ++i) {
          for (int o = 0; o < g.k; ++o) {
            f(std::size_t(((a * g.ksize + b) * g.c + i) * g.k + o),
              std::size_t((((parity * g.k + o) * taps + ty) * taps + tx) * padded_in + i));
          }
        }
      }
    }
  }
}

}  // namespace

TEMPLATE_TEST_CASE("kernels are packed for cuDNN, and their gradients unpacked", "[simt]", float,
                   bfloat16) {
  const cuda::KernelLayout g = any_layout();
  CAPTURE(g.kh, g.kw, g.in, g.out, g.padded_in, g.padded_out);
  const Array<float> w(random_values(w_size(g), 1));
  const Array<TestType> dw_packed(random_values(packed_size(g), 2));
  const Doubles values = w.read(), gradients = dw_packed.read();
  Doubles packed(packed_size(g), 0.0), unpacked(w_size(g));
  for (int a = 0; a < g.kh * g.kw; ++a) {
    for (int i = 0; i < g.in; ++i) {
      for (int o = 0; o < g.out; ++o) {
        const auto at = std::size_t((a * g.in + i) * g.out + o);
        const auto to = std::size_t((o * g.kh * g.kw + a) * g.padded_in + i);
        packed[to] = values[at];
        unpacked[at] = gradients[to];
      }
    }
  }
  const Doubles result = in_every_order([&] {
    Array<TestType> to(packed.size());
    cuda::pack_kernel(kNow, g, w.data(), to.data());
    return to.read();
  });
  require_close(result, packed, stored<TestType>(kExact));
  const Array<bfloat16> rounded(std::vector<float>(values.begin(), values.end()));
  const Doubles of_rounded = in_every_order([&] {
    Array<TestType> to(packed.size());
    cuda::pack_kernel(kNow, g, rounded.data(), to.data());
    return to.read();
  });
  // Rounded once, here or there.
  CHECK((std::is_same_v<TestType, float> || of_rounded == result));
  require_close(of_rounded, packed, stored<bfloat16>(kExact));
  const Doubles back = in_every_order([&] {
    Array<float> dw(w_size(g));
    cuda::unpack_kernel(kNow, g, dw_packed.data(), dw.data());
    return dw.read();
  });
  CHECK(back == unpacked);
}

TEMPLATE_TEST_CASE("kernels are summed to the sub-pixel form, and their gradients taken back",
                   "[simt]", float, bfloat16) {
  const UpsampleConv2dGeometry g = any_sub_pixel();
  const bool padded = GENERATE(false, true);
  const std::int32_t padded_in = padded ? (g.c + 7) / 8 * 8 : g.c;
  const std::int32_t padded_out = padded ? (4 * g.k + 7) / 8 * 8 : 4 * g.k;
  CAPTURE(g.c, g.k, g.ksize, padded);
  const auto taps = std::size_t(g.low_taps());
  const std::size_t size = std::size_t(padded_out) * taps * taps * std::size_t(padded_in);
  const Array<float> w(random_values(g.w_size(), 1));
  const Array<TestType> dw_packed(random_values(size, 2));
  const Doubles values = w.read(), gradients = dw_packed.read();
  Doubles packed(size, 0.0), unpacked(g.w_size(), 0.0);
  for_every_tap(g, padded_in, [&](std::size_t at, std::size_t to) {
    packed[to] += values[at];
    unpacked[at] += gradients[to];
  });
  const Doubles result = in_every_order([&] {
    Array<TestType> to(size);
    cuda::pack_sub_pixel_kernel(kNow, g, padded_in, padded_out, w.data(), to.data());
    return to.read();
  });
  // At most 4 x 4 taps of a kernel of 7 meet.
  require_close(result, packed, stored<TestType>(sum_tolerance(16)));
  const Doubles back = in_every_order([&] {
    Array<float> dw(g.w_size());
    cuda::unpack_sub_pixel_kernel(kNow, g, padded_in, padded_out, dw_packed.data(), dw.data());
    return dw.read();
  });
  require_close(back, unpacked, sum_tolerance(4));  // one for each parity
}
