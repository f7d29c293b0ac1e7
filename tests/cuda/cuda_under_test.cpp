#include "kernels/cuda/cuda_backend.hpp"
#include "support/backend_under_test.hpp"

namespace afterglow::test {

std::shared_ptr<Backend> make_backend(ConvolutionChoice /*choice*/) {
  return std::make_shared<cuda::CudaBackend>(0, Precision::kFloat32, true);
}

std::vector<ConvolutionChoice> convolution_choices() { return {ConvolutionChoice::kAuto}; }

void in_every_way(const std::function<void()>& body) { body(); }

}  // namespace afterglow::test
