// Every call that the CUDA backend makes is made to fail in turn: one typed exception with the
// call's text comes out of it, and nothing is left behind.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "kernels/cuda/cuda_backend.hpp"
#include "kernels/device_array.hpp"
#include "softgpu/softgpu.hpp"

namespace afterglow {
namespace {

/// A little of everything: operands packed, plans tuned, a graph, copies in both directions.
void program() {
  const auto backend = std::make_shared<cuda::CudaBackend>(0, Precision::kFloat32, true);
  const Conv2dGeometry g{1, 4, 4, 2, 3, 3, 3, 1, 1, Padding::kSame};
  const DeviceArray<float> x(backend, std::vector<float>(g.x_size(), 0.5F)),
      w(backend, std::vector<float>(g.w_size(), 0.25F)), b(backend, std::vector<float>(3, 1.0F)),
      y(backend, g.y_size()), dw(backend, g.w_size());
  PreparedKernels prepared;
  const auto work = [&] {
    backend->conv2d(g, x.span(), {w.span(), &prepared}, b.span(), Activation::kRelu, y.span());
    backend->conv2d_backward_weights(g, x.span(), y.span(), dw.span(), {});
    backend->copy(dw.span(), w.span());
    backend->fill(dw.span(), 0);
  };
  work();
  const auto recording = backend->record(work);
  recording->replay();
  y.read();
}

}  // namespace

TEST_CASE("a call that fails is named by one exception, and nothing leaks") {
  const std::filesystem::path plans =
      std::filesystem::path(std::getenv("XDG_CACHE_HOME")) / "afterglow";
  long failed = 0, silent = 0;
  for (long n = 1;; ++n) {
    softgpu::reset();
    std::filesystem::remove_all(plans);  // every time tunes anew
    softgpu::fail_call(n);
    std::string message;
    try {
      program();
    } catch (const Error& error) {
      message = error.what();
    }
    const std::string call = softgpu::failed_call();
    softgpu::fail_call(0);
    CAPTURE(n, call, message);
    REQUIRE(softgpu::live().empty());
    if (call.empty()) {  // the program makes fewer than n calls
      CHECK(message.empty());
      break;
    }
    if (message.empty()) {
      // What only releases, or falls back on the next best, has nobody to tell.
      const bool releases =
          call.find("Destroy") != std::string::npos || call.find("Free") != std::string::npos;
      const bool has_other_way = call == "cudnnBackendFinalize" || call == "cudaSetDevice" ||
                                 call == "cudaStreamSynchronize" || call == "cudaMalloc";
      REQUIRE((releases || has_other_way));
      ++silent;
    } else {
      ++failed;
      CHECK(message.find('\n') == std::string::npos);
    }
  }
  CHECK(failed > 100);
  CHECK(silent < failed);
  softgpu::reset();
}

}  // namespace afterglow
