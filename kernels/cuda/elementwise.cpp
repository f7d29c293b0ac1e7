// Elementwise functions, and those that move channels or pixels.
#include "kernels/cuda/cuda_backend.hpp"
#include "kernels/cuda/typed.hpp"

namespace afterglow::cuda {

void CudaBackend::copy(Source src, Destination dst) {
  if (src.empty()) return;
  if (src.type() == dst.type()) {
    AFTERGLOW_CUDA(cudaMemcpyAsync(dst.memory(), src.memory(), src.size_bytes(),
                                   cudaMemcpyDeviceToDevice, context_.stream()));
    return;
  }
  with_type_or_bytes(src, [&]<typename S>(const S* from) {
    with_type(dst, [&]<typename T>(const T*) {
      if constexpr (!std::is_same_v<S, T>) {
        convert(context_.stream(), std::ssize(src), from, typed<T>(dst));
      }
    });
  });
  check_launch("convert");
}

void CudaBackend::fill(Destination dst, float value) {
  with_type(dst, [&]<typename T>(const T*) {
    cuda::fill(context_.stream(), std::ssize(dst), value, typed<T>(dst));
  });
  check_launch("fill");
}

void CudaBackend::relu(Source x, Destination y) {
  with_type(x, [&]<typename T>(const T* from) {
    cuda::relu(context_.stream(), std::ssize(y), from, typed<T>(y));
  });
  check_launch("relu");
}

void CudaBackend::relu_backward(Source y, Source dy, Destination dx) {
  with_type(y, [&]<typename T>(const T* result) {
    cuda::relu_backward(context_.stream(), std::ssize(dx), result, typed<T>(dy), typed<T>(dx));
  });
  check_launch("relu_backward");
}

void CudaBackend::add(Source a, Source b, Destination y) {
  with_type(a, [&]<typename T>(const T* from) {
    cuda::add(context_.stream(), std::ssize(y), from, typed<T>(b), typed<T>(y));
  });
  check_launch("add");
}

void CudaBackend::add_into(Source x, Destination y) { add(y, x, y); }

void CudaBackend::scale(Source x, float factor, Destination y) {
  with_type(x, [&]<typename T>(const T* from) {
    cuda::scale(context_.stream(), std::ssize(y), from, factor, typed<T>(y));
  });
  check_launch("scale");
}

void CudaBackend::apply(const Function& f, Source x, Destination y) {
  with_type(x, [&]<typename T>(const T* from) {
    cuda::apply(context_.stream(), std::ssize(y), f, from, typed<T>(y));
  });
  check_launch("apply");
}

void CudaBackend::apply_backward(const Function& f, Source x, Source dy, Destination dx) {
  with_type(x, [&]<typename T>(const T* from) {
    cuda::apply_backward(context_.stream(), std::ssize(dx), f, from, typed<T>(dy), typed<T>(dx));
  });
  check_launch("apply_backward");
}

void CudaBackend::blend_into(Source x, float factor, float t, Destination y) {
  cuda::blend_into(context_.stream(), std::ssize(y), x.data(), factor, t, y.data());
  check_launch("blend_into");
}

void CudaBackend::add_bias(const ChannelGeometry& g, Source b, Activation activation,
                           Destination y) {
  with_type(y, [&]<typename T>(const T* from) {
    cuda::add_bias(context_.stream(), g, b.data(), activation, from, typed<T>(y));
  });
  check_launch("add_bias");
}

void CudaBackend::sum_rows(const ChannelGeometry& g, Source x, Destination sums) {
  const auto workspace = context_.scratch<std::byte>(sum_rows_workspace(g));
  with_type(x, [&](const auto* from) {
    cuda::sum_rows(context_.stream(), g, from, sums.data(), workspace.data());
  });
  check_launch("sum_rows");
}

void CudaBackend::concat_channels(std::int64_t rows, std::int32_t c0, std::int32_t c1, Source x0,
                                  Source x1, Destination y) {
  with_type_or_bytes(x0, [&](const auto* from0) {
    with_type_or_bytes(x1, [&](const auto* from1) {
      with_type(y, [&]<typename T>(const T*) {
        cuda::concat_channels(context_.stream(), rows, c0, c1, from0, from1, typed<T>(y),
                              padded_channels(c0 + c1, y.type()), static_cast<T*>(y.padded()));
      });
    });
  });
  check_launch("concat_channels");
}

void CudaBackend::split_channels(std::int64_t rows, std::int32_t c0, std::int32_t c1, Source dy,
                                 Destination dx0, Destination dx1) {
  const auto take = [&](std::int32_t first, std::int32_t count, Destination part) {
    if (part.empty()) return;
    with_type(dy, [&](const auto* from) {
      with_type(part, [&]<typename T>(const T*) {
        take_channels(context_.stream(), rows, c0 + c1, first, count, from, typed<T>(part));
      });
    });
    check_launch("take_channels");
  };
  take(0, c0, dx0);
  take(c0, c1, dx1);
}

void CudaBackend::softmax_mean(const SoftmaxMeanGeometry& g, float factor, Source x, Source centres,
                               Destination y) {
  with_type(x, [&]<typename T>(const T* from) {
    cuda::softmax_mean(context_.stream(), g, factor, from, centres.data(), typed<T>(y));
  });
  check_launch("softmax_mean");
}

void CudaBackend::softmax_mean_backward(const SoftmaxMeanGeometry& g, float factor, Source x,
                                        Source centres, Source dy, Destination dx) {
  with_type(x, [&]<typename T>(const T* from) {
    cuda::softmax_mean_backward(context_.stream(), g, factor, from, centres.data(), typed<T>(dy),
                                typed<T>(dx));
  });
  check_launch("softmax_mean_backward");
}

void CudaBackend::crop(const CropGeometry& g, Source x, Destination y) {
  with_type(
      x, [&]<typename T>(const T* from) { cuda::crop(context_.stream(), g, from, typed<T>(y)); });
  check_launch("crop");
}

void CudaBackend::crop_backward(const CropGeometry& g, Source dy, Destination dx) {
  with_type(dy, [&]<typename T>(const T* from) {
    cuda::crop_backward(context_.stream(), g, from, typed<T>(dx));
  });
  check_launch("crop_backward");
}

}  // namespace afterglow::cuda
