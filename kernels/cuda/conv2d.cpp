// Convolutions: operands in cuDNN's layout, and what pools behind one.
#include <algorithm>
#include <functional>
#include <string>

#include "kernels/cuda/cuda_backend.hpp"
#include "kernels/cuda/operands.hpp"
#include "kernels/cuda/typed.hpp"

namespace afterglow::cuda {
namespace {

/// The rows of x and of y.
std::int64_t x_rows(const Conv2dGeometry& g) { return std::int64_t{g.n} * g.h * g.w; }
std::int64_t y_rows(const Conv2dGeometry& g) { return std::int64_t{g.n} * g.out_h() * g.out_w(); }

KernelLayout layout_of(const CudnnConvolution& convolution, const Conv2dGeometry& g) {
  return {g.kh, g.kw, g.c, g.k, convolution.c, convolution.k};
}

}  // namespace

Operands CudaBackend::operands_for(ValueType type) const {
  if (operands_ != Operands::kBfloat16) return operands_;
  return type == ValueType::kBfloat16 ? Operands::kBfloat16 : Operands::kTf32;
}

Buffer CudaBackend::packed(const Kernel& w, const std::string& name, Operands operands,
                           std::size_t values, const std::function<void(void* to)>& pack) {
  const std::string full_name = name + (operands == Operands::kBfloat16 ? " bf16" : " fp32");
  if (w.prepared != nullptr) {
    const auto found = w.prepared->find(full_name);
    if (found != w.prepared->end() && is_of_a_recording(found->second)) {
      if (recording_ && is_prepared_here(found->second)) return found->second;
    } else if (found != w.prepared->end()) {
      if (recording_) kept_for_recording_.push_back(found->second);
      return found->second;
    }
  }
  Buffer buffer = context_.arena().allocate(values * bytes_of(type_of(operands)));
  pack(buffer.data.get());
  check_launch("pack_kernel");
  if (w.prepared != nullptr) w.prepared->insert_or_assign(full_name, buffer);
  if (recording_) prepared_here_.emplace_back(buffer.data);
  return buffer;
}

bool CudaBackend::is_of_a_recording(const Buffer& kernel) const {
  const std::shared_ptr<Arena> recordings = context_.recordings();
  return recordings && recordings->owns(kernel);
}

bool CudaBackend::is_prepared_here(const Buffer& kernel) const {
  return std::any_of(prepared_here_.begin(), prepared_here_.end(),
                     [&](const auto& own) { return own.lock() == kernel.data; });
}

Buffer CudaBackend::packed_kernel(const CudnnConvolution& convolution, const Conv2dGeometry& g,
                                  const Kernel& w) {
  const KernelLayout layout = layout_of(convolution, g);
  const std::size_t values = std::size_t(g.kh) * g.kw * layout.padded_in * layout.padded_out;
  const Source from = rounded_or_not(w, convolution.operands);
  return packed(w, "kernel", convolution.operands, values, [&](void* to) {
    with_type(from, [&](const auto* typed_from) {
      with_operands(convolution.operands, to, [&](auto* typed_to) {
        pack_kernel(context_.stream(), layout, typed_from, typed_to);
      });
    });
  });
}

Source CudaBackend::rounded_or_not(const Kernel& w, Operands operands) {
  if (w.rounded == nullptr || operands != Operands::kBfloat16) return w.values;
  w.rounded->wanted = true;
  const Buffer& rounded = w.rounded->values;
  if (rounded.data == nullptr) return w.values;
  if (recording_) kept_for_recording_.push_back(rounded);
  return {rounded.data.get(), w.values.size(), ValueType::kBfloat16};
}

void CudaBackend::run_forward(const CudnnConvolution& convolution, const Conv2dGeometry& g,
                              Source x, const Kernel& w, Source b, Destination y) {
  const Operands operands = convolution.operands;
  const OperandSource x_operand(context_, operands, x_rows(g), g.c, x);
  const Buffer w_operand = packed_kernel(convolution, g, w);
  const OperandDestination y_operand(context_, operands, y_rows(g), g.k, y);
  ConvolutionMemory memory{x_operand.data(), w_operand.data.get(), b.data(), b.data(),
                           y_operand.data()};
  // A bias of the plan's own type, and, when channels are padded, one as long as they are.
  const bool converted = convolution.bias && operands == Operands::kBfloat16;
  const auto bias = context_.scratch<bfloat16>(converted ? std::size_t(convolution.k) : 0);
  const auto bias_values = context_.scratch<float>(converted ? std::size_t(convolution.k) : 0);
  if (converted) {
    resize_channels(context_.stream(), 1, g.k, convolution.k, b.data(), bias.data());
    resize_channels(context_.stream(), 1, g.k, convolution.k, b.data(), bias_values.data());
    check_launch("resize_channels");
    memory.bias = bias.data();
    memory.bias_values = bias_values.data();
  }
  convolutions_.run(convolution, memory);
  y_operand.finish();
}

void CudaBackend::conv2d(const Conv2dGeometry& g, Source x, Kernel w, const Epilogue& epilogue,
                         Destination y) {
  CudnnConvolution convolution = cudnn_convolution(g, operands_for(y.type()), Pass::kForward);
  convolution.bias = !epilogue.b.empty();
  const bool relu_wanted = epilogue.activation == Activation::kRelu;
  convolution.relu = relu_wanted && convolution.bias;
  run_forward(convolution, g, x, w, epilogue.b, y);
  if (relu_wanted && !convolution.relu) relu(y, y);
  const Norm& norm = epilogue.norm;
  if (!norm.gamma.empty()) batch_norm_inference({y_rows(g), g.k}, y, norm, y);
}

void CudaBackend::conv2d_backward_data(const Conv2dGeometry& g, Source dy, Source relu, Kernel w,
                                       Destination dx) {
  const auto masked = context_.scratch<std::byte>(relu.size_bytes());
  if (!relu.empty()) {
    const Destination masked_dy(masked.data(), relu.size(), relu.type());
    relu_backward(relu, dy, masked_dy);
    dy = masked_dy;
  }
  const Operands operands = operands_for(dy.type());
  const CudnnConvolution convolution = cudnn_convolution(g, operands, Pass::kBackwardData);
  const OperandSource dy_operand(context_, operands, y_rows(g), g.k, dy);
  const Buffer w_operand = packed_kernel(convolution, g, w);
  const OperandDestination dx_operand(context_, operands, x_rows(g), g.c, dx);
  convolutions_.run(convolution,
                    {.a = dy_operand.data(), .b = w_operand.data.get(), .out = dx_operand.data()});
  dx_operand.finish();
}

void CudaBackend::conv2d_backward_weights(const Conv2dGeometry& g, Source x, Source dy,
                                          Destination dw, Destination db) {
  const Operands operands = operands_for(dy.type());
  const CudnnConvolution convolution = cudnn_convolution(g, operands, Pass::kBackwardWeights);
  const OperandSource x_operand(context_, operands, x_rows(g), g.c, x);
  const OperandSource dy_operand(context_, operands, y_rows(g), g.k, dy);
  const KernelLayout layout = layout_of(convolution, g);
  const auto unpack = [&]<typename T>(const Scratch<T>& packed_dw) {
    convolutions_.run(convolution,
                      {.a = x_operand.data(), .b = dy_operand.data(), .out = packed_dw.data()});
    unpack_kernel<T>(context_.stream(), layout, packed_dw.data(), dw.data());
  };
  const std::size_t values = std::size_t(g.kh) * g.kw * layout.padded_in * layout.padded_out;
  if (has_float32_result(convolution)) {
    unpack(context_.scratch<float>(values));
  } else {
    unpack(context_.scratch<bfloat16>(values));
  }
  check_launch("unpack_kernel");
  if (!db.empty()) sum_rows({y_rows(g), g.k}, dy, db);
}

void CudaBackend::conv2d_max_pool(const Conv2dGeometry& g, Source x, Kernel w, Source b,
                                  Destination y, std::span<std::uint8_t> winners) {
  CudnnConvolution convolution = cudnn_convolution(g, operands_for(y.type()), Pass::kForward);
  convolution.bias = !b.empty();
  const auto memory = context_.scratch<std::byte>(g.y_size() * bytes_of(y.type()));
  const Destination whole(memory.data(), g.y_size(), y.type());
  run_forward(convolution, g, x, w, b, whole);
  max_pool2d(pooled(g), whole, y, winners);
}

void CudaBackend::conv2d_max_pool_backward_data(const Conv2dGeometry& g, Source dy,
                                                std::span<const std::uint8_t> winners, Kernel w,
                                                Destination dx) {
  const auto whole = context_.scratch<std::byte>(g.y_size() * bytes_of(dy.type()));
  const Destination dz(whole.data(), g.y_size(), dy.type());
  max_pool2d_backward(pooled(g), dy, winners, dz);
  conv2d_backward_data(g, dz, {}, w, dx);
}

}  // namespace afterglow::cuda
