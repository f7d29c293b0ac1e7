// Pooling and nearest upsampling.
#include "kernels/cuda/cuda_backend.hpp"
#include "kernels/cuda/typed.hpp"

namespace afterglow::cuda {

void CudaBackend::max_pool2d(const Pool2dGeometry& g, Source x, Destination y,
                             std::span<std::uint8_t> winners) {
  with_type(x, [&]<typename T>(const T* from) {
    cuda::max_pool2d(context_.stream(), g, from, typed<T>(y), winners.data());
  });
  check_launch("max_pool2d");
}

void CudaBackend::max_pool2d_backward(const Pool2dGeometry& g, Source dy,
                                      std::span<const std::uint8_t> winners, Destination dx) {
  with_type(dy, [&]<typename T>(const T* from) {
    cuda::max_pool2d_backward(context_.stream(), g, from, winners.data(), typed<T>(dx));
  });
  check_launch("max_pool2d_backward");
}

void CudaBackend::avg_pool2d(const Pool2dGeometry& g, Source x, Destination y) {
  with_type(x, [&]<typename T>(const T* from) {
    cuda::avg_pool2d(context_.stream(), g, from, typed<T>(y));
  });
  check_launch("avg_pool2d");
}

void CudaBackend::avg_pool2d_backward(const Pool2dGeometry& g, Source dy, Destination dx) {
  with_type(dy, [&]<typename T>(const T* from) {
    cuda::avg_pool2d_backward(context_.stream(), g, from, typed<T>(dx));
  });
  check_launch("avg_pool2d_backward");
}

void CudaBackend::upsample_nearest(std::int32_t n, std::int32_t h, std::int32_t w, std::int32_t c,
                                   Source x, Destination y) {
  with_type(x, [&]<typename T>(const T* from) {
    cuda::upsample_nearest(context_.stream(), n, h, w, c, from, typed<T>(y));
  });
  check_launch("upsample_nearest");
}

void CudaBackend::upsample_nearest_backward(std::int32_t n, std::int32_t h, std::int32_t w,
                                            std::int32_t c, Source dy, Destination dx) {
  with_type(dy, [&]<typename T>(const T* from) {
    cuda::upsample_nearest_backward(context_.stream(), n, h, w, c, from, typed<T>(dx));
  });
  check_launch("upsample_nearest_backward");
}

}  // namespace afterglow::cuda
