// What the ops share: shape checks with one wording, and 32-bit extents for the geometry structs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "base/error.hpp"
#include "nn/ops/ops.hpp"

namespace afterglow::ops {

[[noreturn]] inline void refuse(const std::string& op, const std::string& problem) {
  throw ShapeError(op + ": " + problem);
}

/// "x (2, 8, 8, 3)"
inline std::string named(const std::string& name, const Shape& shape) {
  return name + " " + shape.to_string();
}

/// Frames (N, H, W, C) with nothing empty.
inline void check_frames(const std::string& op, const std::string& name, const Shape& shape) {
  if (shape.rank() != 4 || shape.size() == 0) {
    refuse(op, named(name, shape) + " is not a non-empty (N, H, W, C)");
  }
}

inline void check_same(const std::string& op, const std::string& a_name, const Shape& a,
                       const std::string& b_name, const Shape& b) {
  if (a != b) refuse(op, named(a_name, a) + " and " + named(b_name, b) + " differ");
}

/// One value per channel of x, which is called `of`.
inline void check_per_channel(const std::string& op, const std::string& name, const Shape& shape,
                              const std::string& of, const Shape& x) {
  if (shape != Shape{x[3]}) {
    refuse(op, named(name, shape) + " is not one value for each channel of " + named(of, x));
  }
}

inline void check_norm(const std::string& op, const Variable& gamma, const Variable& beta,
                       const RunningStatistics& running, const std::string& of, const Shape& x) {
  check_per_channel(op, "gamma", gamma.shape(), of, x);
  check_per_channel(op, "beta", beta.shape(), of, x);
  check_per_channel(op, "running mean", running.mean.shape(), of, x);
  check_per_channel(op, "running variance", running.variance.shape(), of, x);
}

/// A rectangle (top, left, height, width) inside of every frame of x.
inline void check_rectangle(const std::string& op, std::int32_t top, std::int32_t left,
                            std::int32_t height, std::int32_t width, const std::string& name,
                            const Shape& x) {
  if (top >= 0 && left >= 0 && height >= 1 && width >= 1 && top <= x[1] - height &&
      left <= x[2] - width) {
    return;
  }
  refuse(op, "the rectangle (top " + std::to_string(top) + ", left " + std::to_string(left) +
                 ", height " + std::to_string(height) + ", width " + std::to_string(width) +
                 ") leaves " + named(name, x));
}

inline std::int32_t extent(const Shape& shape, int axis) {
  return static_cast<std::int32_t>(shape[axis]);
}

inline ChannelGeometry channel_geometry(const Shape& shape) {
  return {shape[0] * shape[1] * shape[2], extent(shape, 3)};
}

inline FrameGeometry frame_geometry(const Shape& shape) {
  return {extent(shape, 0), extent(shape, 1), extent(shape, 2), extent(shape, 3)};
}

/// A flow (N, H, W, 2) for the frames of x.
inline void check_flow(const std::string& op, const Shape& flow, const std::string& name,
                       const Shape& x) {
  if (flow != Shape{x[0], x[1], x[2], 2}) {
    refuse(op, named("flow", flow) + " has not (u, v) for each pixel of " + named(name, x));
  }
}

/// A tensor where one is wanted, else an empty one; destination_of gives the matching (perhaps
/// empty) span.
inline Tensor new_if(bool wanted, const std::shared_ptr<Backend>& backend, const Shape& shape,
                     ValueType type = ValueType::kFloat32) {
  return wanted ? Tensor(backend, shape, type) : Tensor();
}

/// What an op that multiplies stores its result as.
inline ValueType result_type(const Backend& backend, Result result) {
  return result == Result::kFloat32 ? ValueType::kFloat32 : backend.activation_type();
}

inline Destination destination_of(Tensor& tensor) {
  return tensor ? tensor.destination() : Destination();
}

inline Source source_of(const Variable& variable) {
  return variable ? variable.value().source() : Source();
}

/// A norm as a backend takes it; none where there is none.
inline Norm norm_of(const InferenceNorm& norm) {
  if (!norm.gamma) return {};
  return {source_of(norm.gamma), source_of(norm.beta), norm.running.mean.source(),
          norm.running.variance.source(), norm.epsilon};
}

/// Checks the norm, if there is one, behind the result y of an op on `inputs`. True where it must
/// be an op of its own, since record() would keep history of it.
inline bool stands_apart(const std::string& op, const InferenceNorm& norm, const Shape& y,
                         std::initializer_list<Variable> inputs) {
  if (!norm.gamma) return false;
  check_norm(op, norm.gamma, norm.beta, norm.running, "the result", y);
  const auto wants = [](const Variable& input) { return input.wants_gradient(); };
  return gradients_enabled() && (std::any_of(inputs.begin(), inputs.end(), wants) ||
                                 wants(norm.gamma) || wants(norm.beta));
}

/// A kernel that stays as it is beyond one pass: a frozen one, any one at inference or in
/// KernelsStay.
inline bool is_constant(const Variable& w) {
  return !w.wants_gradient() || !gradients_enabled() || kernels_stay();
}

/// The gradient in front of a fused activation: dy where y > 0. For kNone it is dy itself.
inline Tensor before_activation(Activation activation, const Tensor& y, const Tensor& dy) {
  if (activation == Activation::kNone) return dy;
  Tensor masked(dy.backend(), dy.shape(), dy.type());
  dy.backend()->relu_backward(y.source(), dy.source(), masked.destination());
  return masked;
}

}  // namespace afterglow::ops
