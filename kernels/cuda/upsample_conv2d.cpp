// Nearest x2 upsampling and a convolution in sub-pixel form: one low-resolution convolution with 4K
// outputs (UpsampleConv2dGeometry) and a depth to space.
#include "kernels/cuda/cuda_backend.hpp"
#include "kernels/cuda/operands.hpp"
#include "kernels/cuda/typed.hpp"

namespace afterglow::cuda {
namespace {

/// The rows of x and of y.
std::int64_t x_rows(const UpsampleConv2dGeometry& g) { return std::int64_t{g.n} * g.h * g.w; }
std::int64_t y_rows(const UpsampleConv2dGeometry& g) {
  return std::int64_t{g.n} * g.out_h() * g.out_w();
}

std::size_t low_size(const CudnnConvolution& convolution) {
  return std::size_t(convolution.n) * convolution.oh * convolution.ow * convolution.k;
}

std::size_t kernel_size(const CudnnConvolution& convolution) {
  return std::size_t(convolution.kh) * convolution.kw * convolution.c * convolution.k;
}

}  // namespace

Buffer CudaBackend::packed_kernel(const CudnnConvolution& convolution,
                                  const UpsampleConv2dGeometry& g, const Kernel& w) {
  const std::string name = "summed kernel " + std::to_string(g.low_taps());
  return packed(w, name, convolution.operands, kernel_size(convolution), [&](void* to) {
    with_operands(convolution.operands, to, [&](auto* typed_to) {
      pack_sub_pixel_kernel(context_.stream(), g, convolution.c, convolution.k, w.values.data(),
                            typed_to);
    });
  });
}

void CudaBackend::upsample_conv2d(const UpsampleConv2dGeometry& g, Source x, Kernel w,
                                  const Epilogue& epilogue, Destination y) {
  const Operands operands = operands_for(y.type());
  const CudnnConvolution convolution = cudnn_convolution(g, operands, Pass::kForward);
  const OperandSource x_operand(context_, operands, x_rows(g), g.c, x);
  const Buffer w_operand = packed_kernel(convolution, g, w);
  const auto low = context_.scratch<std::byte>(low_size(convolution) * bytes_of(y.type()));
  convolutions_.run(convolution,
                    {.a = x_operand.data(), .b = w_operand.data.get(), .out = low.data()});
  with_operands(operands, low.data(), [&]<typename T>(const T* from) {
    cuda::depth_to_space(context_.stream(), g, convolution.k, from, epilogue.b.data(),
                         epilogue.activation, typed<T>(y));
  });
  check_launch("depth_to_space");
  const Norm& norm = epilogue.norm;
  if (!norm.gamma.empty()) batch_norm_inference({y_rows(g), g.k}, y, norm, y);
}

Scratch<std::byte> CudaBackend::low_gradient(const UpsampleConv2dGeometry& g,
                                             const CudnnConvolution& convolution, Source dy) {
  auto low = context_.scratch<std::byte>(low_size(convolution) * bytes_of(dy.type()));
  with_operands(convolution.operands, low.data(), [&]<typename T>(T* to) {
    cuda::space_to_depth(context_.stream(), g, convolution.k, typed<T>(dy), to);
  });
  check_launch("space_to_depth");
  return low;
}

void CudaBackend::upsample_conv2d_backward_data(const UpsampleConv2dGeometry& g, Source dy,
                                                Kernel w, Destination dx) {
  const Operands operands = operands_for(dy.type());
  const CudnnConvolution convolution = cudnn_convolution(g, operands, Pass::kBackwardData);
  const auto low = low_gradient(g, convolution, dy);
  const Buffer w_operand = packed_kernel(convolution, g, w);
  const OperandDestination dx_operand(context_, operands, x_rows(g), g.c, dx);
  convolutions_.run(convolution,
                    {.a = low.data(), .b = w_operand.data.get(), .out = dx_operand.data()});
  dx_operand.finish();
}

void CudaBackend::upsample_conv2d_backward_weights(const UpsampleConv2dGeometry& g, Source x,
                                                   Source dy, Destination dw, Destination db) {
  const Operands operands = operands_for(dy.type());
  const CudnnConvolution convolution = cudnn_convolution(g, operands, Pass::kBackwardWeights);
  const OperandSource x_operand(context_, operands, x_rows(g), g.c, x);
  const auto low = low_gradient(g, convolution, dy);
  const auto unpack = [&]<typename T>(const Scratch<T>& low_dw) {
    convolutions_.run(convolution, {.a = x_operand.data(), .b = low.data(), .out = low_dw.data()});
    unpack_sub_pixel_kernel<T>(context_.stream(), g, convolution.c, convolution.k, low_dw.data(),
                               dw.data());
  };
  if (has_float32_result(convolution)) {
    unpack(context_.scratch<float>(kernel_size(convolution)));
  } else {
    unpack(context_.scratch<bfloat16>(kernel_size(convolution)));
  }
  check_launch("unpack_sub_pixel_kernel");
  if (!db.empty()) sum_rows({y_rows(g), g.k}, dy, db);
}

}  // namespace afterglow::cuda
