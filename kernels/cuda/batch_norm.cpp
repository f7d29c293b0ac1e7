#include "kernels/cuda/cuda_backend.hpp"
#include "kernels/cuda/typed.hpp"

namespace afterglow::cuda {

void CudaBackend::batch_norm(const ChannelGeometry& g, Source x, Source gamma, Source beta,
                             float epsilon, Destination y, Destination mean, Destination variance) {
  const auto workspace = context_.scratch<std::byte>(batch_norm_workspace(g));
  const auto mean_rest = context_.scratch<float>(mean.size());
  with_type(x, [&]<typename T>(const T* from) {
    batch_norm_statistics(context_.stream(), g, from, mean.data(), variance.data(),
                          mean_rest.data(), workspace.data());
    batch_norm_apply(context_.stream(), g, from, gamma.data(), beta.data(), mean.data(),
                     mean_rest.data(), variance.data(), epsilon, typed<T>(y));
  });
  check_launch("batch_norm");
}

void CudaBackend::batch_norm_backward(const ChannelGeometry& g, Source x, Source dy, Source gamma,
                                      Source mean, Source variance, float epsilon, Destination dx,
                                      Destination dgamma, Destination dbeta) {
  // dx needs the sums that dgamma and dbeta are.
  const auto channels = static_cast<std::size_t>(g.channels);
  const auto own_dgamma = context_.scratch<float>(dgamma.empty() ? channels : 0);
  const auto own_dbeta = context_.scratch<float>(dbeta.empty() ? channels : 0);
  const auto workspace = context_.scratch<std::byte>(batch_norm_workspace(g));
  with_type(dy, [&]<typename T>(const T* gradient) {
    cuda::batch_norm_backward(context_.stream(), g, typed<T>(x), gradient, gamma.data(),
                              mean.data(), variance.data(), epsilon, typed<T>(dx),
                              dgamma.empty() ? own_dgamma.data() : dgamma.data(),
                              dbeta.empty() ? own_dbeta.data() : dbeta.data(), workspace.data());
  });
  check_launch("batch_norm_backward");
}

void CudaBackend::batch_norm_inference(const ChannelGeometry& g, Source x, const Norm& norm,
                                       Destination y) {
  with_type(x, [&]<typename T>(const T* from) {
    batch_norm_apply(context_.stream(), g, from, norm.gamma.data(), norm.beta.data(),
                     norm.mean.data(), nullptr, norm.variance.data(), norm.epsilon, typed<T>(y));
  });
  check_launch("batch_norm_apply");
}

void CudaBackend::batch_norm_inference_backward(const ChannelGeometry& g, Source x, Source dy,
                                                Source gamma, Source mean, Source variance,
                                                float epsilon, Destination dx, Destination dgamma,
                                                Destination dbeta) {
  const auto workspace = context_.scratch<std::byte>(batch_norm_workspace(g));
  with_type(dy, [&]<typename T>(const T* gradient) {
    cuda::batch_norm_inference_backward(context_.stream(), g, typed<T>(x), gradient, gamma.data(),
                                        mean.data(), variance.data(), epsilon, typed<T>(dx),
                                        dgamma.data(), dbeta.data(), workspace.data());
  });
  check_launch("batch_norm_inference_backward");
}

}  // namespace afterglow::cuda
