// Convolutions with explicit padding, each made once per geometry: what conv2d and upsample_conv2d
// are put together from.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/cpu/convolution_algorithm.hpp"
#include "kernels/cpu/fusion.hpp"
#include "kernels/cpu/onednn.hpp"

namespace afterglow {

/// The shape that conv2d runs.
ConvolutionShape shape_of(const Conv2dGeometry& g);
/// The shape of the low-resolution convolution that upsample_conv2d runs: 4K outputs, and a 5 x 5
/// kernel in 3 x 3, a valid 3 x 3 in 2 x 2.
ConvolutionShape shape_of(const UpsampleConv2dGeometry& g);

/// Floats for the length of a call.
class Scratch {
 public:
  Scratch() = default;
  Scratch(Buffer buffer, std::size_t count) : buffer_(std::move(buffer)), count_(count) {}

  float* data() const { return reinterpret_cast<float*>(buffer_.data.get()); }
  Destination span() const { return {data(), count_}; }

 private:
  Buffer buffer_;
  std::size_t count_ = 0;
};

/// Runs convolutions by the algorithm chosen for each, and keeps oneDNN's primitives, keyed by
/// shape, pass and activation. Not thread-safe.
class ConvolutionCache {
 public:
  /// `allocate` gives the scratch memory of each call.
  ConvolutionCache(std::function<Buffer(std::size_t)> allocate, ConvolutionChoice choice,
                   Precision precision);
  ~ConvolutionCache();

  /// True where the pass can store its result so, or read such a gradient; with kNone, where it can
  /// mask a gradient by ReLU. `constant` as for choose_algorithm.
  bool fuses(const ConvolutionShape& s, ConvolutionPass pass, bool constant, Fusion fusion);

  // Only what fuses() says may be asked of these.

  /// y(N, OH, OW, K) = activation(x(N, H, W, C) * w(KH, KW, C, K) + b(K)).
  void forward(const ConvolutionShape& s, Source x, Kernel w, const ConvolutionOutput& y);
  /// dx(N, H, W, C) from dy(N, OH, OW, K). At stride 1 it is a forward convolution of dy with the
  /// kernel turned by 180 degrees and its channels exchanged; at stride 2, with even kernels and no
  /// padding, one with an output for each of four phases where that is fastest.
  void backward_data(const ConvolutionShape& s, const ConvolutionGradient& dy, Kernel w,
                     Destination dx);
  /// dw(KH, KW, C, K).
  void backward_weights(const ConvolutionShape& s, Source x, const ConvolutionGradient& dy,
                        Destination dw);

  /// All convolutions computed so far, in the order in which they first were.
  std::vector<ConvolutionPlan> plans() const;

  /// Scratch memory for `count` floats.
  Scratch scratch(std::size_t count) const;

  /// `count` floats that `make` computes from the kernel, where they are not there yet under this
  /// name; kept when the kernel's values are constant.
  template <typename Make>
  Scratch prepare(const Kernel& w, const std::string& name, std::size_t count, const Make& make) {
    if (w.prepared != nullptr) {
      const auto found = w.prepared->find(name);
      if (found != w.prepared->end()) {
        assert(found->second.bytes == count * sizeof(float));
        return {found->second, count};
      }
    }
    Buffer buffer = allocate_(count * sizeof(float));
    Scratch result(buffer, count);
    make(result.data());
    if (w.prepared != nullptr) w.prepared->emplace(name, std::move(buffer));
    return result;
  }

 private:
  /// A convolution that was computed, and how.
  struct Plan {
    ConvolutionShape shape;
    ConvolutionPass pass;
    ConvolutionAlgorithm algorithm;
  };

  /// The algorithm of a pass, chosen at its first call.
  ConvolutionAlgorithm algorithm(const ConvolutionShape& s, ConvolutionPass pass, bool constant);
  /// A forward or backward data pass by oneDNN.
  void run_direct(const ConvolutionKey& key, Source src, const Kernel& w, Source b,
                  Destination dst);
  OneDnnConvolution& primitive(const ConvolutionKey& key);

  std::function<Buffer(std::size_t)> allocate_;
  ConvolutionChoice choice_;
  Precision precision_;
  std::map<std::tuple<ConvolutionShape, ConvolutionPass, bool>, ConvolutionAlgorithm> algorithms_;
  std::vector<Plan> plans_;
  std::map<ConvolutionKey, std::unique_ptr<OneDnnConvolution>> primitives_;
};

}  // namespace afterglow
