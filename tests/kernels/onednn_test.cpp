// Which of oneDNN's kernels run.
#include <catch2/catch.hpp>
#include <string>
#include <variant>

#include "bench/layer_shapes.hpp"

using namespace afterglow;

TEST_CASE("oneDNN has fast kernels for the layers of the networks") {
  if (!__builtin_cpu_supports("avx2")) {
    WARN("SKIPPED: this machine has no AVX2");
    return;
  }
  const auto fast = [](const ConvolutionShape& s, ConvolutionPass pass) {
    const std::string name = OneDnnConvolution({s, pass}).implementation();
    INFO("implementation " << name);
    // Without AVX-512, some layers of 3 or 6 channels become matrix products.
    const bool product = name == "x64:gemm:jit" && !__builtin_cpu_supports("avx512f");
    CHECK((name.starts_with("brgconv") || name.starts_with("jit") || product));
  };
  for (const bench::Layer& layer : bench::network_layers(16)) {
    CAPTURE(layer.name);
    const ConvolutionShape s =
        std::visit([](const auto& g) { return bench::shape_of(g); }, layer.geometry);
    fast(s, ConvolutionPass::kForward);
    fast(s, ConvolutionPass::kBackwardData);
    fast(s, ConvolutionPass::kBackwardWeights);
  }
}
