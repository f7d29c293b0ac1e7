// Runs cuDNN graphs in double, one operation after the other. Tensors of any strides are first
// laid out anew, in double and with the channels last, so that the loops over them are plain.
#include <algorithm>
#include <cmath>

#include "softgpu/cudnn_descriptors.hpp"
#include "softgpu/numbers.hpp"

namespace softgpu::cudnn {
namespace {

using Values = std::vector<double>;

/// The order of the dimensions in Values: (N, C, H, W) is kept as (N, H, W, C), (K, C, R, S) as
/// (K, R, S, C).
std::vector<std::size_t> order_of(std::size_t rank) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < rank; ++i) order.push_back(i);
  if (rank == 4) order = {0, 2, 3, 1};
  return order;
}

Dims reordered(const Dims& dims) {
  Dims result;
  for (const std::size_t i : order_of(dims.size())) result.push_back(dims[i]);
  return result;
}

std::size_t count(const Dims& dims) {
  std::size_t result = 1;
  for (const std::int64_t d : dims) result *= static_cast<std::size_t>(d);
  return result;
}

/// Calls visit(offset) for every element, the last dimension fastest.
template <typename Visit>
void walk(const Dims& dims, const Dims& strides, std::size_t axis, std::int64_t offset,
          Visit& visit) {
  const std::int64_t extent = dims[axis], stride = strides[axis];
  if (axis + 1 == dims.size()) {
    for (std::int64_t i = 0; i < extent; ++i) visit(offset + i * stride);
  } else {
    for (std::int64_t i = 0; i < extent; ++i) {
      walk(dims, strides, axis + 1, offset + i * stride, visit);
    }
  }
}

Values load(const Tensor& tensor, const unsigned char* memory) {
  Values values;
  values.reserve(count(tensor.dims));
  const bool wide = tensor.type == CUDNN_DATA_FLOAT;
  const auto* floats = reinterpret_cast<const float*>(memory);
  const auto* halves = reinterpret_cast<const std::uint16_t*>(memory);
  auto read = [&](std::int64_t at) {
    values.push_back(wide ? double{floats[at]} : from_bfloat16(halves[at]));
  };
  walk(reordered(tensor.dims), reordered(tensor.strides), 0, 0, read);
  return values;
}

void store(const Tensor& tensor, const Values& values, unsigned char* memory) {
  std::size_t next = 0;
  auto write = [&](std::int64_t at) {
    const auto value = static_cast<float>(values[next++]);
    if (tensor.type == CUDNN_DATA_FLOAT) {
      reinterpret_cast<float*>(memory)[at] = value;
    } else {
      reinterpret_cast<std::uint16_t*>(memory)[at] = to_bfloat16(value);
    }
  };
  walk(reordered(tensor.dims), reordered(tensor.strides), 0, 0, write);
}

/// To the tensor's own type: also between two operations of one graph.
void round_to(const Tensor& tensor, Values& values) {
  for (double& value : values) {
    const auto narrow = static_cast<float>(value);
    value = tensor.type == CUDNN_DATA_FLOAT ? double{narrow} : from_bfloat16(to_bfloat16(narrow));
  }
}

/// Repeats values of `from`, whose dimensions are those of `to` or 1.
Values broadcast(const Values& values, const Dims& from, const Dims& to) {
  if (from == to) return values;
  const Dims small = reordered(from), large = reordered(to);
  Dims strides(small.size());
  std::int64_t stride = 1;
  for (std::size_t i = small.size(); i-- > 0;) {
    strides[i] = small[i] == 1 ? 0 : stride;
    stride *= small[i];
  }
  Values result;
  result.reserve(count(to));
  auto repeat = [&](std::int64_t at) { result.push_back(values[static_cast<std::size_t>(at)]); };
  walk(large, strides, 0, 0, repeat);
  return result;
}

Values pointwise(const Step& step, const Values& first, const Values& second) {
  Values result(first.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    const double x = first[i];
    switch (step.mode) {
      case CUDNN_POINTWISE_ADD:
        result[i] = step.alpha * x + step.beta * second[i];
        break;
      case CUDNN_POINTWISE_MUL:
        result[i] = step.alpha * x * step.beta * second[i];
        break;
      // NaNs come through, so that poison is seen behind a ReLU.
      case CUDNN_POINTWISE_RELU_FWD:
        result[i] = x > 0 || std::isnan(x) ? x : 0;
        break;
      case CUDNN_POINTWISE_RELU_BWD:
        result[i] = std::isnan(x) ? x : x > 0 ? second[i] : 0;
        break;
      default:
        result[i] = x;
    }
  }
  return result;
}

/// Where one tap of the filter meets one pixel of x and one of y; offsets are those of the first
/// channel.
template <typename Meet>
void each_tap(const Step& step, Meet meet) {
  const Dims &x = step.x().dims, &w = step.w().dims, &y = step.y().dims;
  const std::int64_t taps = w[2] * w[3];
  for (std::int64_t n = 0; n < y[0]; ++n) {
    for (std::int64_t p = 0; p < y[2]; ++p) {
      for (std::int64_t q = 0; q < y[3]; ++q) {
        const std::int64_t at_y = ((n * y[2] + p) * y[3] + q) * y[1];
        for (std::int64_t tap = 0; tap < taps; ++tap) {
          const std::int64_t row = p * step.stride[0] - step.pre[0] + tap / w[3] * step.dilation[0];
          const std::int64_t column =
              q * step.stride[1] - step.pre[1] + tap % w[3] * step.dilation[1];
          if (row < 0 || row >= x[2] || column < 0 || column >= x[3]) continue;
          const std::int64_t at_x = ((n * x[2] + row) * x[3] + column) * x[1];
          meet(at_x, step.mirrored ? taps - 1 - tap : tap, at_y);
        }
      }
    }
  }
}

// Nearly all of the time of a network's tests is in these two: compiled for what this CPU has.
#if defined(__x86_64__)
#define SOFTGPU_FOR_EVERY_CPU __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define SOFTGPU_FOR_EVERY_CPU
#endif

SOFTGPU_FOR_EVERY_CPU
double dot(const double* a, const double* b, std::int64_t n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

SOFTGPU_FOR_EVERY_CPU
void add_scaled(double factor, const double* from, double* to, std::int64_t n) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) to[i] += factor * from[i];
}

Values convolve(const Step& step, const Values& first, const Values& second) {
  const Dims& filter = step.w().dims;
  const std::int64_t outputs = filter[0], channels = filter[1], taps = filter[2] * filter[3];
  Values result(count(step.result.dims));
  const double *a = first.data(), *b = second.data();
  double* out = result.data();
  switch (step.kind) {
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
      each_tap(step, [&](std::int64_t x, std::int64_t tap, std::int64_t y) {
        for (std::int64_t k = 0; k < outputs; ++k) {
          out[y + k] += dot(a + x, b + (k * taps + tap) * channels, channels);
        }
      });
      break;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
      each_tap(step, [&](std::int64_t x, std::int64_t tap, std::int64_t y) {
        for (std::int64_t k = 0; k < outputs; ++k) {
          add_scaled(a[y + k], b + (k * taps + tap) * channels, out + x, channels);
        }
      });
      break;
    default:
      each_tap(step, [&](std::int64_t x, std::int64_t tap, std::int64_t y) {
        for (std::int64_t k = 0; k < outputs; ++k) {
          add_scaled(b[y + k], a + x, out + (k * taps + tap) * channels, channels);
        }
      });
  }
  return result;
}

Values rounded_to_tf32(Values values) {
  for (double& value : values) value = double{to_tf32(static_cast<float>(value))};
  return values;
}

/// What an engine's notes do to a result.
void disturb(const Tensor& tensor, Values& values) {
  static bool odd = false;
  odd = !odd;
  if (!odd) return;
  const double factor = 1 + std::ldexp(1.0, tensor.type == CUDNN_DATA_FLOAT ? -22 : -7);
  for (double& value : values) value *= factor;
}

}  // namespace

void interpret(const std::vector<Step>& program, const Engine& engine, const Pointers& pointers) {
  std::map<std::int64_t, Values> known;
  const auto value_of = [&](const Tensor& tensor) -> const Values& {
    const auto found = known.find(tensor.uid);
    if (found != known.end()) return found->second;
    return known[tensor.uid] = load(tensor, pointers.at(tensor.uid));
  };
  for (const Step& step : program) {
    Values result;
    if (step.is_convolution()) {
      const auto factor = [&](const Tensor& tensor) {
        const bool narrow = engine.tensor_core && tensor.type == CUDNN_DATA_FLOAT;
        return narrow ? rounded_to_tf32(value_of(tensor)) : value_of(tensor);
      };
      result = convolve(step, factor(step.first), factor(step.second));
      for (double& value : result) value *= step.alpha;
      // With beta = 0 the destination is not read: it may hold NaNs.
      if (step.beta != 0) {
        const Values old = load(step.result, pointers.at(step.result.uid));
        for (std::size_t i = 0; i < result.size(); ++i) result[i] += step.beta * old[i];
      }
      if (engine.nondeterministic) disturb(step.result, result);
    } else {
      const Values second = step.second.exists() ? broadcast(value_of(step.second),
                                                             step.second.dims, step.result.dims)
                                                 : Values{};
      result = pointwise(step, value_of(step.first), second);
    }
    round_to(step.result, result);
    if (!step.result.is_virtual) store(step.result, result, pointers.at(step.result.uid));
    known[step.result.uid] = std::move(result);
  }
}

}  // namespace softgpu::cudnn
