// One kernel of bench_gpu and its memory on the device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/cuda/bfloat16.hpp"
#include "kernels/cuda/handles.hpp"

namespace afterglow::bench {

using cuda::bfloat16;
using Doubles = std::vector<double>;

template <typename T>
T converted(float value) {
  if constexpr (std::is_same_v<T, bfloat16>) {
    return cuda::to_bfloat16(value);
  } else {
    return static_cast<T>(value);
  }
}

/// `count` values of T on the device.
template <typename T>
class DeviceValues {
 public:
  explicit DeviceValues(std::size_t count)
      : count_(count), memory_(cuda::make_device_memory(count * sizeof(T))) {
    AFTERGLOW_CUDA(cudaMemset(data(), 0xff, count * sizeof(T)));
    AFTERGLOW_CUDA(cudaDeviceSynchronize());  // the stream of the kernels does not wait for it
  }
  /// Random: in [-1, 1), bytes over all of their range.
  DeviceValues(std::size_t count, unsigned seed) : DeviceValues(count) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<T> values(count);
    for (T& value : values) {
      const float random = uniform(generator);
      value = converted<T>(sizeof(T) == 1 ? 127.5F + 127.4F * random : random);
    }
    write(values);
  }

  void write(const std::vector<T>& values) {
    AFTERGLOW_CUDA(cudaMemcpy(data(), values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  T* data() const { return static_cast<T*>(memory_.get()); }
  Doubles read() const {
    std::vector<T> values(count_);
    AFTERGLOW_CUDA(cudaDeviceSynchronize());
    AFTERGLOW_CUDA(cudaMemcpy(values.data(), data(), count_ * sizeof(T), cudaMemcpyDeviceToHost));
    Doubles result;
    for (const T value : values) {
      if constexpr (std::is_same_v<T, bfloat16>) {
        result.push_back(double(cuda::to_float(value)));
      } else {
        result.push_back(double(value));
      }
    }
    return result;
  }

 private:
  std::size_t count_;
  cuda::DeviceMemory memory_;
};

template <typename T>
using Shared = std::shared_ptr<DeviceValues<T>>;
template <typename T>
Shared<T> random(std::size_t count, unsigned seed) {
  return std::make_shared<DeviceValues<T>>(count, seed);
}
template <typename T>
Shared<T> empty(std::size_t count) {
  return std::make_shared<DeviceValues<T>>(count);
}

/// One kernel with memory of its own.
struct Work {
  std::string name;
  double bytes = 0;  // read and written at least once
  std::function<void(cudaStream_t)> queue;
  std::function<double()> error;  // after a run, against the oracle
};

/// What a Work is made for: so many frames, at(side) for a side of the full size.
struct Extent {
  int n = 1;
  int shrink = 1;  // what sides are divided by: 1, or where a GPU is played

  constexpr std::int32_t operator()(std::int32_t side) const { return side / shrink; }
  std::size_t pixels(std::int32_t side) const {
    const auto length = static_cast<std::size_t>((*this)(side));
    return static_cast<std::size_t>(n) * length * length;
  }
};
using Maker = Work (*)(const Extent& at);

/// Of the kernels that move values (gpu_layout_kernels.cpp), and of those that the steady network
/// has for pixels (gpu_pixel_kernels.cpp); T is float or bfloat16.
template <typename T>
std::vector<Maker> layout_kernels();
template <typename T>
std::vector<Maker> pixel_kernels();

}  // namespace afterglow::bench
