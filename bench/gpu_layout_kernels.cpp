// The hand-written kernels that move values between layouts, sizes and types.
#include "bench/gpu_work.hpp"
#include "bench/relative_error.hpp"
#include "kernels/cuda/kernels.hpp"
#include "support/oracle_elementwise.hpp"
#include "support/oracle_pool.hpp"

namespace afterglow::bench {
namespace {

template <typename T>
class LayoutKernels {
 public:
  static std::vector<Maker> all() {
    return {spread,
            gather,
            join,
            take,
            widen,
            cut,
            cut_backward,
            enlarge,
            enlarge_backward,
            pack,
            unpack,
            pack_sub_pixel,
            unpack_sub_pixel,
            convert<std::uint8_t>,
            convert<std::conditional_t<std::is_same_v<T, float>, bfloat16, float>>};
  }

 private:
  static constexpr double kBytes = sizeof(T);

  /// depth_to_space with the inverse's result as its reference, and the other way round.
  static Work spread(int n) {
    const UpsampleConv2dGeometry g{n, 64, 64, 0, 96, 5, Padding::kSame};
    const auto low = random<T>(g.y_size(), 1), y = empty<T>(g.y_size()),
               back = empty<T>(g.y_size());
    return {"depth_to_space 128x128x96", 2 * kBytes * double(g.y_size()),
            [=](cudaStream_t stream) {
              cuda::depth_to_space<T>(stream, g, 4 * g.k, low->data(), nullptr, Activation::kNone,
                                      y->data());
            },
            [=] {
              cuda::space_to_depth(nullptr, g, 4 * g.k, y->data(), back->data());
              return relative_error(back->read(), low->read());
            }};
  }

  static Work gather(int n) {
    const UpsampleConv2dGeometry g{n, 64, 64, 0, 96, 5, Padding::kSame};
    const auto dy = random<T>(g.y_size(), 1), low = empty<T>(g.y_size()),
               back = empty<T>(g.y_size());
    return {"space_to_depth 128x128x96", 2 * kBytes * double(g.y_size()),
            [=](cudaStream_t stream) {
              cuda::space_to_depth(stream, g, 4 * g.k, dy->data(), low->data());
            },
            [=] {
              cuda::depth_to_space<T>(nullptr, g, 4 * g.k, low->data(), nullptr, Activation::kNone,
                                      back->data());
              return relative_error(back->read(), dy->read());
            }};
  }

  static Work join(int n) {
    const auto pixels = std::size_t(n) * 128 * 128;
    const auto a = random<std::uint8_t>(3 * pixels, 1), b = random<std::uint8_t>(3 * pixels, 2);
    const auto y = empty<T>(6 * pixels), padded = empty<T>(8 * pixels);
    return {"concat_channels of bytes 128x128x(3+3), and padded to 8",
            double(6 * pixels) * (1 + kBytes) + double(8 * pixels) * kBytes,
            [=](cudaStream_t stream) {
              cuda::concat_channels(stream, std::int64_t(pixels), 3, 3, a->data(), b->data(),
                                    y->data(), 8, padded->data());
            },
            [=] {
              return relative_error(y->read(),
                                    oracle::concat_channels(pixels, 3, 3, a->read(), b->read()));
            }};
  }

  static Work take(int n) {
    const auto pixels = std::size_t(n) * 128 * 128;
    const auto x = random<T>(6 * pixels, 1), part = empty<T>(3 * pixels);
    // All of x counts as read: memory is read by 32 bytes, of which a pixel's 6 values fill fewer.
    return {"take_channels 128x128, 3 of 6", double(9 * pixels) * kBytes,
            [=](cudaStream_t stream) {
              cuda::take_channels(stream, std::int64_t(pixels), 6, 3, 3, x->data(), part->data());
            },
            [=] {
              return relative_error(part->read(),
                                    oracle::take_channels(pixels, 6, 3, 3, x->read()));
            }};
  }

  /// AlexNet's input, as cuDNN gets it in bfloat16.
  static Work widen(int n) {
    const auto pixels = std::size_t(n) * 128 * 128;
    const auto x = random<T>(6 * pixels, 1), y = empty<T>(8 * pixels);
    return {"resize_channels 128x128, 6 to 8", double(14 * pixels) * kBytes,
            [=](cudaStream_t stream) {
              cuda::resize_channels(stream, std::int64_t(pixels), 6, 8, x->data(), y->data());
            },
            [=] {
              return relative_error(
                  y->read(), oracle::concat_channels(pixels, 6, 2, x->read(), Doubles(2 * pixels)));
            }};
  }

  static Work cut(int n) {
    const CropGeometry g{n, 130, 130, 64, 1, 1, 128, 128};
    const auto x = random<T>(g.x_size(), 1), y = empty<T>(g.y_size());
    return {"crop to 128x128x64", 2 * kBytes * double(g.y_size()),
            [=](cudaStream_t stream) { cuda::crop(stream, g, x->data(), y->data()); },
            [=] { return relative_error(y->read(), oracle::crop(g, x->read())); }};
  }

  static Work cut_backward(int n) {
    const CropGeometry g{n, 130, 130, 64, 1, 1, 128, 128};
    const auto dy = random<T>(g.y_size(), 1), dx = empty<T>(g.x_size());
    return {"crop_backward from 128x128x64", kBytes * double(g.x_size() + g.y_size()),
            [=](cudaStream_t stream) { cuda::crop_backward(stream, g, dy->data(), dx->data()); },
            [=] { return relative_error(dx->read(), oracle::crop_backward(g, dy->read())); }};
  }

  static Work enlarge(int n) {
    const auto size = std::size_t(n) * 64 * 64 * 64;
    const auto x = random<T>(size, 1), y = empty<T>(4 * size);
    return {"upsample_nearest 64x64x64", 5 * kBytes * double(size),
            [=](cudaStream_t stream) {
              cuda::upsample_nearest(stream, n, 64, 64, 64, x->data(), y->data());
            },
            [=] {
              return relative_error(y->read(), oracle::upsample_nearest(n, 64, 64, 64, x->read()));
            }};
  }

  static Work enlarge_backward(int n) {
    const auto size = std::size_t(n) * 64 * 64 * 64;
    const auto dy = random<T>(4 * size, 1), dx = empty<T>(size);
    return {"upsample_nearest_backward 64x64x64", 5 * kBytes * double(size),
            [=](cudaStream_t stream) {
              cuda::upsample_nearest_backward(stream, n, 64, 64, 64, dy->data(), dx->data());
            },
            [=] {
              return relative_error(dx->read(),
                                    oracle::upsample_nearest_backward(n, 64, 64, 64, dy->read()));
            }};
  }

  // Kernels know no batch: the largest one of VGG16's.
  static constexpr cuda::KernelLayout kLayout{3, 3, 512, 512, 512, 512};
  static constexpr std::size_t kLayoutSize = std::size_t{3} * 3 * 512 * 512;

  /// Values of w(KH, KW, I, O) as (O, KH, KW, I).
  static Doubles transposed(const Doubles& w) {
    Doubles packed(w.size());
    for (std::size_t tap = 0; tap < 9; ++tap) {
      for (std::size_t i = 0; i < 512; ++i) {
        for (std::size_t o = 0; o < 512; ++o) {
          packed[(o * 9 + tap) * 512 + i] = w[(tap * 512 + i) * 512 + o];
        }
      }
    }
    return packed;
  }

  static Work pack(int /*n*/) {
    const auto w = random<float>(kLayoutSize, 1);
    const auto packed = empty<T>(kLayoutSize);
    return {
        "pack_kernel 3x3x512x512", (4 + kBytes) * double(kLayoutSize),
        [=](cudaStream_t stream) { cuda::pack_kernel(stream, kLayout, w->data(), packed->data()); },
        [=] { return relative_error(packed->read(), transposed(w->read())); }};
  }

  static Work unpack(int /*n*/) {
    const auto packed = random<T>(kLayoutSize, 1);
    const auto w = empty<float>(kLayoutSize);
    return {"unpack_kernel 3x3x512x512", (4 + kBytes) * double(kLayoutSize),
            [=](cudaStream_t stream) {
              cuda::unpack_kernel(stream, kLayout, packed->data(), w->data());
            },
            [=] { return relative_error(transposed(w->read()), packed->read()); }};
  }

  // The largest kernel of VGG16's decoder.
  static constexpr UpsampleConv2dGeometry kSubPixel{1, 10, 10, 384, 256, 5, Padding::kValid};
  static constexpr std::size_t kSubPixelSize = std::size_t{4} * 256 * 3 * 3 * 384;

  /// Calls f(place in the packed kernel, place in w) for all that meet. Tap a of 5 falls, for
  /// results of parity p, on the low-resolution input's tap (p + a) / 2 of 3.
  template <typename F>
  static void for_sub_pixel_taps(const F& f) {
    for (std::size_t phase = 0; phase < 4; ++phase) {
      for (std::size_t tap = 0; tap < 25; ++tap) {
        const std::size_t row = (phase / 2 + tap / 5) / 2, column = (phase % 2 + tap % 5) / 2;
        for (std::size_t i = 0; i < 384; ++i) {
          for (std::size_t o = 0; o < 256; ++o) {
            f((((phase * 256 + o) * 3 + row) * 3 + column) * 384 + i, (tap * 384 + i) * 256 + o);
          }
        }
      }
    }
  }

  static Work pack_sub_pixel(int /*n*/) {
    const auto w = random<float>(kSubPixel.w_size(), 1);
    const auto packed = empty<T>(kSubPixelSize);
    return {"pack_sub_pixel_kernel 5x5x384x256",
            4 * double(kSubPixel.w_size()) + kBytes * double(kSubPixelSize),
            [=](cudaStream_t stream) {
              cuda::pack_sub_pixel_kernel(stream, kSubPixel, 384, 4 * 256, w->data(),
                                          packed->data());
            },
            [=] {
              Doubles expected(kSubPixelSize);
              const Doubles from = w->read();
              for_sub_pixel_taps([&](std::size_t to, std::size_t at) { expected[to] += from[at]; });
              return relative_error(packed->read(), expected);
            }};
  }

  static Work unpack_sub_pixel(int /*n*/) {
    const auto packed = random<T>(kSubPixelSize, 1);
    const auto dw = empty<float>(kSubPixel.w_size());
    return {"unpack_sub_pixel_kernel 5x5x384x256",
            4 * double(kSubPixel.w_size()) + kBytes * double(kSubPixelSize),
            [=](cudaStream_t stream) {
              cuda::unpack_sub_pixel_kernel(stream, kSubPixel, 384, 4 * 256, packed->data(),
                                            dw->data());
            },
            [=] {
              Doubles expected(kSubPixel.w_size());
              const Doubles from = packed->read();
              for_sub_pixel_taps([&](std::size_t at, std::size_t to) { expected[to] += from[at]; });
              return relative_error(dw->read(), expected);
            }};
  }

  template <typename S>
  static Work convert(int n) {
    const auto size = std::size_t(n) * 128 * 128 * 64;
    const auto x = random<S>(size, 1);
    const auto y = empty<T>(size);
    const std::string from = sizeof(S) == 1 ? "bytes" : sizeof(S) == 2 ? "bf16" : "fp32";
    return {"convert from " + from + " 128x128x64", (sizeof(S) + kBytes) * double(size),
            [=](cudaStream_t stream) {
              cuda::convert(stream, std::int64_t(size), x->data(), y->data());
            },
            [=] { return relative_error(y->read(), x->read()); }};
  }
};

}  // namespace

template <typename T>
std::vector<Maker> layout_kernels() {
  return LayoutKernels<T>::all();
}
template std::vector<Maker> layout_kernels<float>();
template std::vector<Maker> layout_kernels<bfloat16>();

}  // namespace afterglow::bench
