// Every call that the CUDA backend makes is made to fail in turn: one typed exception with the
// call's text comes out of it, and nothing is left behind.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "kernels/cuda/cuda_backend.hpp"
#include "kernels/cuda/error.hpp"
#include "kernels/device_array.hpp"
#include "nn/layers/batch_norm.hpp"
#include "nn/layers/conv2d.hpp"
#include "nn/optimizer.hpp"
#include "softgpu/softgpu.hpp"

namespace afterglow {
namespace {

std::shared_ptr<Backend> open() {
  return std::make_shared<cuda::CudaBackend>(0, Precision::kFloat32, true);
}

/// Operands packed, plans tuned, a 1x1 convolution, which cuBLAS is tried for, a graph, copies in
/// both directions.
void convolutions() {
  const auto backend = open();
  const Conv2dGeometry g{1, 4, 4, 2, 3, 3, 3, 1, 1, Padding::kSame};
  const Conv2dGeometry one{1, 4, 4, 3, 3, 1, 1, 1, 1, Padding::kSame};
  const DeviceArray<float> x(backend, std::vector<float>(g.x_size(), 0.5F)),
      w(backend, std::vector<float>(g.w_size(), 0.25F)), b(backend, std::vector<float>(3, 1.0F)),
      y(backend, g.y_size()), dw(backend, g.w_size()),
      w1(backend, std::vector<float>(one.w_size(), 0.5F)), y1(backend, one.y_size());
  PreparedKernels prepared;
  const auto work = [&] {
    backend->conv2d(g, x.span(), {w.span(), &prepared}, {b.span(), Activation::kRelu}, y.span());
    backend->conv2d_backward_weights(g, x.span(), y.span(), dw.span(), {});
    backend->conv2d(one, y.span(), {w1.span()}, {}, y1.span());
    backend->copy(dw.span(), w.span());
    backend->fill(dw.span(), 0);
  };
  work();
  const auto recording = backend->record(work);
  recording->replay();
  y.read();
}

/// Two layers, batch norm, pools and a warp between them.
class Network final : public Module {
 public:
  Network(const std::shared_ptr<Backend>& backend, Rng& rng)
      : Module("network"),
        first_("first", backend, {.in = 3, .filters = 4}, rng),
        norm_("norm", backend, 4),
        last_("last", backend, {.in = 4, .filters = 3, .activation = Activation::kNone}, rng),
        flow_(Tensor::full(backend, {1, 4, 4, 2}, 0.5F)) {
    add_child(first_);
    add_child(norm_);
    add_child(last_);
  }

  Variable forward(const Variable& x) {
    const Variable pooled = ops::max_pool2d(norm_.forward(first_.forward(x)), 2, 2);
    return last_.forward(ops::avg_pool2d(ops::warp(pooled, flow_), 2, 2));
  }

 private:
  Conv2d first_;
  BatchNorm norm_;
  Conv2d last_;
  Tensor flow_;
};

/// A step of training. Its threads are many, which take the machine's time, so that it is not
/// recorded as well.
void training() {
  const auto backend = open();
  Rng rng(1);
  Network network(backend, rng);
  network.train(true);
  Adam adam(network.parameters(), {});
  const Tensor x = Tensor::full(backend, {1, 8, 8, 3}, 0.5F),
               truth = Tensor::full(backend, {1, 2, 2, 3}, 0.25F);
  const DeviceArray<std::uint8_t> starts(backend, std::vector<std::uint8_t>{1});
  const DeviceArray<TemporalMseValue> value(backend);
  ops::backward_temporal_mse(network.forward(Variable(x)), truth, 0.8F, starts, value);
  adam.step();
  (void)value.value();
}

/// A launch tells of its failure when cudaGetLastError asks: the message names the kernel.
const std::regex kLaunch("launch of [a-z_0-9]+");

/// True for a message of the call that failed, not of another one that suffers from it.
bool names(const std::string& message, const std::string& call) {
  const std::string text = message.substr(0, message.find(" failed: "));
  if (call == "kernel launch" || call == "cudaGetLastError") return std::regex_match(text, kLaunch);
  // cublas_v2.h makes cublasCreate_v2 of cublasCreate.
  const std::string name = call.ends_with("_v2") ? call.substr(0, call.size() - 3) : call;
  return text == name || text.starts_with(name + '(');
}

struct Program {
  void (*run)();
  bool tunes;  // while plans are tried, one whose calls fail is left for another
  long least;  // calls whose failure is told
};

}  // namespace

TEST_CASE("a call that fails is named by one exception, and nothing leaks") {
  // With the plans known, nothing stands in for a call.
  const Program program =
      GENERATE(Program{convolutions, true, 1}, Program{convolutions, false, 100},
               Program{training, false, 100});
  const bool tunes = program.tunes;
  CAPTURE(tunes);
  const std::filesystem::path plans =
      std::filesystem::path(std::getenv("XDG_CACHE_HOME")) / "afterglow";
  std::filesystem::remove_all(plans);
  if (!tunes) program.run();
  long failed = 0, silent = 0;
  // Tuning makes the same few calls over and over: a sample of them.
  for (long n = 1;; n += tunes ? 199 : 1) {
    softgpu::reset();
    if (tunes) std::filesystem::remove_all(plans);
    softgpu::fail_call(n);
    std::string message;
    try {
      program.run();
    } catch (const cuda::CudaError& error) {
      message = error.what();
    }
    const std::string call = softgpu::failed_call();
    softgpu::fail_call(0);
    CAPTURE(n, call, message);
    REQUIRE(softgpu::live().empty());
    CHECK(cudaGetLastError() == cudaSuccess);  // which the next launch would be blamed for
    if (call.empty()) {                        // the program makes fewer than n calls
      CHECK(message.empty());
      break;
    }
    if (message.empty()) {
      // What only releases, or falls back on the next best, has nobody to tell.
      const bool releases =
          call.find("Destroy") != std::string::npos || call.find("Free") != std::string::npos;
      const bool has_other_way = call == "cudnnBackendFinalize" || call == "cudaSetDevice" ||
                                 call == "cudaStreamSynchronize" || call == "cudaMalloc";
      REQUIRE((tunes || releases || has_other_way));
      ++silent;
    } else {
      ++failed;
      CHECK(message.find('\n') == std::string::npos);
      CHECK(names(message, call));
    }
  }
  CHECK(failed >= program.least);
  if (!tunes) CHECK(silent < failed);
  softgpu::reset();
}

}  // namespace afterglow
