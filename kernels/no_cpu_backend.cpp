// In place of kernels/cpu, for builds without its libraries (AFTERGLOW_PROGRAM=OFF).
#include "base/error.hpp"
#include "kernels/backend.hpp"

namespace afterglow {

std::shared_ptr<Backend> make_cpu_backend(ConvolutionChoice /*choice*/, Precision /*precision*/) {
  throw Unsupported("this build has no CPU backend");
}

}  // namespace afterglow
