// The hand-written kernels that the steady network has besides: functions of one value, whole
// pixels, warps. Its frames of 16:9 have planes of 128x72, so that 128x128 of a batch is more than
// enough.
#include <cmath>

#include "bench/gpu_work.hpp"
#include "bench/relative_error.hpp"
#include "kernels/cuda/kernels.hpp"
#include "support/oracle_function.hpp"
#include "support/oracle_pixels.hpp"
#include "support/oracle_warp.hpp"

namespace afterglow::bench {
namespace {

template <typename T>
class PixelKernels {
 public:
  static std::vector<Maker> all() {
    std::vector<Maker> makers{product,         scaled,     dot,           length,
                              length_backward, frame_sums, add_to_frame,  to_blocks,
                              from_blocks,     carry,      carry_backward};
    for (const Maker make : {function<FunctionKind::kAffine>, function<FunctionKind::kLeakyRelu>,
                             function<FunctionKind::kSigmoid>, function<FunctionKind::kExp>,
                             function<FunctionKind::kClamp>, function<FunctionKind::kAbs>,
                             slope<FunctionKind::kLeakyRelu>, slope<FunctionKind::kSigmoid>}) {
      makers.push_back(make);
    }
    return makers;
  }

 private:
  static constexpr double kBytes = sizeof(T);
  static constexpr float kEpsilon = 0.02F;

  static std::string name_of(FunctionKind kind) {
    switch (kind) {
      case FunctionKind::kAffine:
        return "affine";
      case FunctionKind::kLeakyRelu:
        return "leaky_relu";
      case FunctionKind::kSigmoid:
        return "sigmoid";
      case FunctionKind::kExp:
        return "exp";
      case FunctionKind::kClamp:
        return "clamp";
      case FunctionKind::kAbs:
        return "abs";
    }
    return "";
  }
  /// With constants that fit all: a slope of 0.1 beside 0, a range of 0.1 to 0.5.
  static constexpr Function of(FunctionKind kind) { return {kind, 0.1F, 0.5F}; }

  template <FunctionKind kKind>
  static Work function(const Extent& at) {
    const auto size = at.pixels(128) * 16;
    const auto x = random<T>(size, 1), y = empty<T>(size);
    return {"apply " + name_of(kKind) + " 128x128x16", 2 * kBytes * double(size),
            [=](cudaStream_t stream) {
              cuda::apply(stream, std::int64_t(size), of(kKind), x->data(), y->data());
            },
            [=] { return relative_error(y->read(), oracle::apply(of(kKind), x->read())); }};
  }

  template <FunctionKind kKind>
  static Work slope(const Extent& at) {
    const auto size = at.pixels(128) * 16;
    const auto x = random<T>(size, 1), dy = random<T>(size, 2), dx = empty<T>(size);
    return {"apply_backward " + name_of(kKind) + " 128x128x16", 3 * kBytes * double(size),
            [=](cudaStream_t stream) {
              cuda::apply_backward(stream, std::int64_t(size), of(kKind), x->data(), dy->data(),
                                   dx->data());
            },
            [=] {
              return relative_error(dx->read(),
                                    oracle::apply_backward(of(kKind), x->read(), dy->read()));
            }};
  }

  /// Of the colours' two channels.
  static ChannelGeometry colours(const Extent& at) { return {std::int64_t(at.pixels(128)), 2}; }
  static std::size_t rows(const ChannelGeometry& g) { return std::size_t(g.rows); }

  static Work product(const Extent& at) {
    const ChannelGeometry g = colours(at);
    const auto a = random<T>(g.size(), 1), b = random<T>(g.size(), 2), y = empty<T>(g.size());
    return {"multiply 128x128x2", 3 * kBytes * double(g.size()),
            [=](cudaStream_t stream) {
              cuda::multiply(stream, std::int64_t(g.size()), a->data(), b->data(), y->data());
            },
            [=] { return relative_error(y->read(), oracle::multiply(g, a->read(), b->read())); }};
  }

  static Work scaled(const Extent& at) {
    const ChannelGeometry g = colours(at);
    const auto x = random<T>(g.size(), 1), factors = random<T>(rows(g), 2), y = empty<T>(g.size());
    return {
        "scale_pixels 128x128x2", kBytes * double(2 * g.size() + rows(g)),
        [=](cudaStream_t stream) {
          cuda::scale_pixels(stream, g, x->data(), factors->data(), y->data());
        },
        [=] { return relative_error(y->read(), oracle::multiply(g, x->read(), factors->read())); }};
  }

  static Work dot(const Extent& at) {
    const ChannelGeometry g = colours(at);
    const auto a = random<T>(g.size(), 1), b = random<T>(g.size(), 2), y = empty<T>(rows(g));
    return {
        "dot_channels 128x128x2", kBytes * double(2 * g.size() + rows(g)),
        [=](cudaStream_t stream) {
          cuda::dot_channels(stream, g, a->data(), b->data(), y->data());
        },
        [=] { return relative_error(y->read(), oracle::dot_channels(g, a->read(), b->read())); }};
  }

  static Work length(const Extent& at) {
    const ChannelGeometry g = colours(at);
    const auto x = random<T>(g.size(), 1), y = empty<T>(rows(g));
    return {
        "pixel_length 128x128x2", kBytes * double(g.size() + rows(g)),
        [=](cudaStream_t stream) { cuda::pixel_length(stream, g, kEpsilon, x->data(), y->data()); },
        [=] {
          return relative_error(y->read(), oracle::pixel_length(g, double(kEpsilon), x->read()));
        }};
  }

  static Work length_backward(const Extent& at) {
    const ChannelGeometry g = colours(at);
    const auto x = random<T>(g.size(), 1), dy = random<T>(rows(g), 2), lengths = empty<T>(rows(g)),
               dx = empty<T>(g.size());
    cuda::pixel_length(nullptr, g, kEpsilon, x->data(), lengths->data());
    AFTERGLOW_CUDA(cudaDeviceSynchronize());
    return {"pixel_length_backward 128x128x2", kBytes * double(2 * (g.size() + rows(g))),
            [=](cudaStream_t stream) {
              cuda::pixel_length_backward(stream, g, x->data(), lengths->data(), dy->data(),
                                          dx->data());
            },
            [=] {
              return relative_error(dx->read(), oracle::pixel_length_backward(
                                                    g, double(kEpsilon), x->read(), dy->read()));
            }};
  }

  // The network's narrowest layer, whose mean over the frame sees the scene.
  static FrameGeometry narrow(const Extent& at) { return {at.n, at(16), at(16), 96}; }
  static constexpr float kFactor = 1.0F / 256;

  static Work frame_sums(const Extent& at) {
    const FrameGeometry g = narrow(at);
    const auto x = random<T>(g.size(), 1);
    const auto sums = empty<float>(std::size_t(g.n) * 96);
    const auto workspace = empty<std::uint8_t>(cuda::sum_pixels_workspace(g));
    return {"sum_pixels 16x16x96", kBytes * double(g.size()),
            [=](cudaStream_t stream) {
              cuda::sum_pixels(stream, g, kFactor, x->data(), sums->data(), workspace->data());
            },
            [=] {
              return relative_error(sums->read(),
                                    oracle::sum_pixels(g, double(kFactor), x->read()));
            }};
  }

  static Work add_to_frame(const Extent& at) {
    const FrameGeometry g = narrow(at);
    const auto x = random<T>(g.size(), 1), y = empty<T>(g.size());
    const auto v = random<float>(std::size_t(g.n) * 96, 2);
    return {"add_to_pixels 16x16x96", 2 * kBytes * double(g.size()),
            [=](cudaStream_t stream) {
              cuda::add_to_pixels(stream, g, 1.0F, x->data(), v->data(), y->data());
            },
            [=] {
              return relative_error(y->read(), oracle::add_to_pixels(g, 1, x->read(), v->read()));
            }};
  }

  static Work to_blocks(const Extent& at) {
    const FrameGeometry g{at.n, 2 * at(128), 2 * at(128), 1};
    const auto x = random<T>(g.size(), 1), y = empty<T>(g.size());
    return {"space_to_depth 256x256x1, by frames", 2 * kBytes * double(g.size()),
            [=](cudaStream_t stream) { cuda::space_to_depth(stream, g, x->data(), y->data()); },
            [=] { return relative_error(y->read(), oracle::space_to_depth(g, x->read())); }};
  }

  static Work from_blocks(const Extent& at) {
    const FrameGeometry g{at.n, 2 * at(128), 2 * at(128), 1};
    const auto y = random<T>(g.size(), 1), x = empty<T>(g.size());
    return {"depth_to_space 256x256x1, by frames", 2 * kBytes * double(g.size()),
            [=](cudaStream_t stream) { cuda::depth_to_space(stream, g, y->data(), x->data()); },
            [=] { return relative_error(x->read(), oracle::depth_to_space(g, y->read())); }};
  }

  /// A flow of up to three pixels, smooth as a film's.
  static Shared<float> flow_of(const FrameGeometry& g) {
    std::vector<float> flow;
    for (std::int32_t n = 0; n < g.n; ++n) {
      for (std::int32_t y = 0; y < g.h; ++y) {
        for (std::int32_t x = 0; x < g.w; ++x) {
          for (const double turn : {0.0, 1.5}) {
            flow.push_back(static_cast<float>(3 * std::sin(0.05 * x + 0.07 * y + n + turn)));
          }
        }
      }
    }
    const auto values = empty<float>(flow.size());
    values->write(flow);
    return values;
  }

  static Work carry(const Extent& at) {
    const FrameGeometry g{at.n, at(128), at(128), 2};
    const auto x = random<T>(g.size(), 1), y = empty<T>(g.size());
    const auto flow = flow_of(g);
    return {"warp 128x128x2", (2 * kBytes + 4) * double(g.size()),
            [=](cudaStream_t stream) { cuda::warp(stream, g, x->data(), flow->data(), y->data()); },
            [=] { return relative_error(y->read(), oracle::warp(g, x->read(), flow->read())); }};
  }

  static Work carry_backward(const Extent& at) {
    const FrameGeometry g{at.n, at(128), at(128), 2};
    const auto dy = random<T>(g.size(), 1), dx = empty<T>(g.size());
    const auto flow = flow_of(g);
    const auto workspace = empty<std::uint8_t>(cuda::warp_backward_workspace(g));
    return {"warp_backward 128x128x2", (2 * kBytes + 4) * double(g.size()),
            [=](cudaStream_t stream) {
              cuda::warp_backward(stream, g, dy->data(), flow->data(), dx->data(),
                                  workspace->data());
            },
            [=] {
              return relative_error(dx->read(), oracle::warp_backward(g, dy->read(), flow->read()));
            }};
  }
};

}  // namespace

template <typename T>
std::vector<Maker> pixel_kernels() {
  return PixelKernels<T>::all();
}
template std::vector<Maker> pixel_kernels<float>();
template std::vector<Maker> pixel_kernels<bfloat16>();

}  // namespace afterglow::bench
