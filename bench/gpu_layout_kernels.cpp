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
  static Work spread(const Extent& at) {
    const UpsampleConv2dGeometry g{at.n, at(64), at(64), 0, 96, 5, Padding::kSame};
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

  static Work gather(const Extent& at) {
    const UpsampleConv2dGeometry g{at.n, at(64), at(64), 0, 96, 5, Padding::kSame};
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

  static Work join(const Extent& at) {
    const auto pixels = at.pixels(128);
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

  static Work take(const Extent& at) {
    const auto pixels = at.pixels(128);
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
  static Work widen(const Extent& at) {
    const auto pixels = at.pixels(128);
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

  static Work cut(const Extent& at) {
    const CropGeometry g{at.n, at(128) + 2, at(128) + 2, 64, 1, 1, at(128), at(128)};
    const auto x = random<T>(g.x_size(), 1), y = empty<T>(g.y_size());
    return {"crop to 128x128x64", 2 * kBytes * double(g.y_size()),
            [=](cudaStream_t stream) { cuda::crop(stream, g, x->data(), y->data()); },
            [=] { return relative_error(y->read(), oracle::crop(g, x->read())); }};
  }

  static Work cut_backward(const Extent& at) {
    const CropGeometry g{at.n, at(128) + 2, at(128) + 2, 64, 1, 1, at(128), at(128)};
    const auto dy = random<T>(g.y_size(), 1), dx = empty<T>(g.x_size());
    return {"crop_backward from 128x128x64", kBytes * double(g.x_size() + g.y_size()),
            [=](cudaStream_t stream) { cuda::crop_backward(stream, g, dy->data(), dx->data()); },
            [=] { return relative_error(dx->read(), oracle::crop_backward(g, dy->read())); }};
  }

  static Work enlarge(const Extent& at) {
    const auto size = at.pixels(64) * 64;
    const auto x = random<T>(size, 1), y = empty<T>(4 * size);
    return {"upsample_nearest 64x64x64", 5 * kBytes * double(size),
            [=](cudaStream_t stream) {
              cuda::upsample_nearest(stream, at.n, at(64), at(64), 64, x->data(), y->data());
            },
            [=] {
              return relative_error(y->read(),
                                    oracle::upsample_nearest(at.n, at(64), at(64), 64, x->read()));
            }};
  }

  static Work enlarge_backward(const Extent& at) {
    const auto size = at.pixels(64) * 64;
    const auto dy = random<T>(4 * size, 1), dx = empty<T>(size);
    return {
        "upsample_nearest_backward 64x64x64", 5 * kBytes * double(size),
        [=](cudaStream_t stream) {
          cuda::upsample_nearest_backward(stream, at.n, at(64), at(64), 64, dy->data(), dx->data());
        },
        [=] {
          return relative_error(
              dx->read(), oracle::upsample_nearest_backward(at.n, at(64), at(64), 64, dy->read()));
        }};
  }

  // Kernels know no batch: the largest one of VGG16's.
  static constexpr cuda::KernelLayout layout(const Extent& at) {
    return {3, 3, at(512), at(512), at(512), at(512)};
  }
  static constexpr std::size_t size_of(const cuda::KernelLayout& layout) {
    return std::size_t{9} * std::size_t(layout.in) * std::size_t(layout.out);
  }

  /// Values of w(KH, KW, I, O) as (O, KH, KW, I).
  static Doubles transposed(const cuda::KernelLayout& layout, const Doubles& w) {
    const auto in = std::size_t(layout.in), out = std::size_t(layout.out);
    Doubles packed(w.size());
    for (std::size_t tap = 0; tap < 9; ++tap) {
      for (std::size_t i = 0; i < in; ++i) {
        for (std::size_t o = 0; o < out; ++o) {
          packed[(o * 9 + tap) * in + i] = w[(tap * in + i) * out + o];
        }
      }
    }
    return packed;
  }

  static Work pack(const Extent& at) {
    const cuda::KernelLayout form = layout(at);
    const auto w = random<float>(size_of(form), 1);
    const auto packed = empty<T>(size_of(form));
    return {
        "pack_kernel 3x3x512x512", (4 + kBytes) * double(size_of(form)),
        [=](cudaStream_t stream) { cuda::pack_kernel(stream, form, w->data(), packed->data()); },
        [=] { return relative_error(packed->read(), transposed(form, w->read())); }};
  }

  static Work unpack(const Extent& at) {
    const cuda::KernelLayout form = layout(at);
    const auto packed = random<T>(size_of(form), 1);
    const auto w = empty<float>(size_of(form));
    return {
        "unpack_kernel 3x3x512x512", (4 + kBytes) * double(size_of(form)),
        [=](cudaStream_t stream) { cuda::unpack_kernel(stream, form, packed->data(), w->data()); },
        [=] { return relative_error(transposed(form, w->read()), packed->read()); }};
  }

  // The largest kernel of VGG16's decoder.
  static constexpr UpsampleConv2dGeometry sub_pixel(const Extent& at) {
    return {1, 10, 10, at(384), at(256), 5, Padding::kValid};
  }
  static constexpr std::size_t packed_size(const UpsampleConv2dGeometry& g) {
    return std::size_t{4 * 9} * std::size_t(g.k) * std::size_t(g.c);
  }

  /// Calls f(place in the packed kernel, place in w) for all that meet. Tap a of 5 falls, for
  /// results of parity p, on the low-resolution input's tap (p + a) / 2 of 3.
  template <typename F>
  static void for_sub_pixel_taps(const UpsampleConv2dGeometry& g, const F& f) {
    const auto in = std::size_t(g.c), out = std::size_t(g.k);
    for (std::size_t phase = 0; phase < 4; ++phase) {
      for (std::size_t tap = 0; tap < 25; ++tap) {
        const std::size_t row = (phase / 2 + tap / 5) / 2, column = (phase % 2 + tap % 5) / 2;
        for (std::size_t i = 0; i < in; ++i) {
          for (std::size_t o = 0; o < out; ++o) {
            f((((phase * out + o) * 3 + row) * 3 + column) * in + i, (tap * in + i) * out + o);
          }
        }
      }
    }
  }

  static Work pack_sub_pixel(const Extent& at) {
    const UpsampleConv2dGeometry g = sub_pixel(at);
    const auto w = random<float>(g.w_size(), 1);
    const auto packed = empty<T>(packed_size(g));
    return {"pack_sub_pixel_kernel 5x5x384x256",
            4 * double(g.w_size()) + kBytes * double(packed_size(g)),
            [=](cudaStream_t stream) {
              cuda::pack_sub_pixel_kernel(stream, g, g.c, 4 * g.k, w->data(), packed->data());
            },
            [=] {
              Doubles expected(packed_size(g));
              const Doubles from = w->read();
              for_sub_pixel_taps(
                  g, [&](std::size_t to, std::size_t from_w) { expected[to] += from[from_w]; });
              return relative_error(packed->read(), expected);
            }};
  }

  static Work unpack_sub_pixel(const Extent& at) {
    const UpsampleConv2dGeometry g = sub_pixel(at);
    const auto packed = random<T>(packed_size(g), 1);
    const auto dw = empty<float>(g.w_size());
    return {"unpack_sub_pixel_kernel 5x5x384x256",
            4 * double(g.w_size()) + kBytes * double(packed_size(g)),
            [=](cudaStream_t stream) {
              cuda::unpack_sub_pixel_kernel(stream, g, g.c, 4 * g.k, packed->data(), dw->data());
            },
            [=] {
              Doubles expected(g.w_size());
              const Doubles from = packed->read();
              for_sub_pixel_taps(g, [&](std::size_t from_packed, std::size_t to) {
                expected[to] += from[from_packed];
              });
              return relative_error(dw->read(), expected);
            }};
  }

  template <typename S>
  static Work convert(const Extent& at) {
    const auto size = at.pixels(128) * 64;
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
