// Functions of whole pixels, and those that move them.
#include "kernels/cuda/cuda_backend.hpp"
#include "kernels/cuda/typed.hpp"

namespace afterglow::cuda {

void CudaBackend::multiply(const ChannelGeometry& g, Source x, Source m, Destination y) {
  with_type(x, [&]<typename T>(const T* from) {
    if (m.size() == g.size()) {
      cuda::multiply(context_.stream(), std::ssize(y), from, typed<T>(m), typed<T>(y));
    } else {
      scale_pixels(context_.stream(), g, from, typed<T>(m), typed<T>(y));
    }
  });
  check_launch("multiply");
}

void CudaBackend::dot_channels(const ChannelGeometry& g, Source a, Source b, Destination y) {
  with_type(a, [&]<typename T>(const T* from) {
    cuda::dot_channels(context_.stream(), g, from, typed<T>(b), typed<T>(y));
  });
  check_launch("dot_channels");
}

void CudaBackend::pixel_length(const ChannelGeometry& g, float epsilon, Source x, Destination y) {
  with_type(x, [&]<typename T>(const T* from) {
    cuda::pixel_length(context_.stream(), g, epsilon, from, typed<T>(y));
  });
  check_launch("pixel_length");
}

void CudaBackend::pixel_length_backward(const ChannelGeometry& g, Source x, Source y, Source dy,
                                        Destination dx) {
  with_type(x, [&]<typename T>(const T* from) {
    cuda::pixel_length_backward(context_.stream(), g, from, typed<T>(y), typed<T>(dy),
                                typed<T>(dx));
  });
  check_launch("pixel_length_backward");
}

void CudaBackend::sum_pixels(const FrameGeometry& g, float factor, Source x, Destination sums) {
  const auto workspace = context_.scratch<std::byte>(sum_pixels_workspace(g));
  with_type(x, [&](const auto* from) {
    with_type(sums, [&]<typename S>(const S*) {
      cuda::sum_pixels(context_.stream(), g, factor, from, typed<S>(sums), workspace.data());
    });
  });
  check_launch("sum_pixels");
}

void CudaBackend::add_to_pixels(const FrameGeometry& g, float factor, Source x, Source v,
                                Destination y) {
  with_type(y, [&]<typename T>(const T*) {
    with_type(v, [&](const auto* added) {
      cuda::add_to_pixels(context_.stream(), g, factor, typed<T>(x), added, typed<T>(y));
    });
  });
  check_launch("add_to_pixels");
}

void CudaBackend::space_to_depth(const FrameGeometry& g, Source x, Destination y) {
  with_type(x, [&]<typename T>(const T* from) {
    cuda::space_to_depth(context_.stream(), g, from, typed<T>(y));
  });
  check_launch("space_to_depth");
}

void CudaBackend::depth_to_space(const FrameGeometry& g, Source x, Destination y) {
  with_type(x, [&]<typename T>(const T* from) {
    cuda::depth_to_space(context_.stream(), g, from, typed<T>(y));
  });
  check_launch("depth_to_space");
}

void CudaBackend::warp(const FrameGeometry& g, Source x, Source flow, Destination y) {
  with_type(x, [&]<typename T>(const T* from) {
    cuda::warp(context_.stream(), g, from, flow.data(), typed<T>(y));
  });
  check_launch("warp");
}

void CudaBackend::warp_backward(const FrameGeometry& g, Source dy, Source flow, Destination dx) {
  const auto workspace = context_.scratch<std::byte>(warp_backward_workspace(g));
  with_type(dy, [&]<typename T>(const T* from) {
    cuda::warp_backward(context_.stream(), g, from, flow.data(), typed<T>(dx), workspace.data());
  });
  check_launch("warp_backward");
}

}  // namespace afterglow::cuda
