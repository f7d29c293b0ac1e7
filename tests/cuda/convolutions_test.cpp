// Which of a convolution's plans is taken, on the software GPU.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "kernels/cuda/cuda_backend.hpp"
#include "kernels/cuda/typed.hpp"
#include "kernels/device_array.hpp"
#include "softgpu/softgpu.hpp"
#include "support/guarded.hpp"

namespace afterglow {
namespace {

/// One convolution by a fresh backend; the engines' times are all that differs between plans.
class OneConvolution {
 public:
  OneConvolution(std::vector<softgpu::Engine> engines, Precision precision = Precision::kFloat32)
      : backend_(std::make_shared<cuda::CudaBackend>(0, precision, true)) {
    softgpu::set_engines(engines, {});
  }

  /// How it was computed.
  std::string run() {
    const Conv2dGeometry g{1, 4, 4, 2, 3, 3, 3, 1, 1, Padding::kSame};
    const DeviceArray<float> x(backend_, std::vector<float>(g.x_size(), 0.5F)),
        w(backend_, std::vector<float>(g.w_size(), 0.25F)), y(backend_, g.y_size());
    backend_->conv2d(g, x.span(), {w.span()}, {}, y.span());
    CHECK(y.read()[g.y_size() / 2] > 0);
    return backend_->convolution_plans().back().algorithm;
  }

 private:
  std::shared_ptr<Backend> backend_;
};

void forget_plans() {
  std::filesystem::remove_all(std::filesystem::path(std::getenv("XDG_CACHE_HOME")) / "afterglow");
}

}  // namespace

TEST_CASE("a plan that fails when it is executed is left for another") {
  forget_plans();
  CHECK_THAT(OneConvolution({{.index = 1, .microseconds = 5, .executes = false},
                             {.index = 2, .microseconds = 50}})
                 .run(),
             Catch::StartsWith("cudnn engine 2"));
  forget_plans();
  CHECK_THROWS_WITH(OneConvolution({{.index = 1, .executes = false}}).run(),
                    Catch::Contains("cudnnBackendExecute"));
}

TEST_CASE("the heuristics' first plan is left only for one that is clearly faster") {
  forget_plans();
  CHECK_THAT(
      OneConvolution({{.index = 1, .microseconds = 100}, {.index = 2, .microseconds = 97}}).run(),
      Catch::StartsWith("cudnn engine 1"));
  forget_plans();
  CHECK_THAT(
      OneConvolution({{.index = 1, .microseconds = 100}, {.index = 2, .microseconds = 90}}).run(),
      Catch::StartsWith("cudnn engine 2"));
}

TEST_CASE("a remembered plan is made without the others") {
  forget_plans();
  const std::vector<softgpu::Engine> engines{{.index = 1, .microseconds = 90},
                                             {.index = 2, .microseconds = 80},
                                             {.index = 3, .microseconds = 10}};
  CHECK_THAT(OneConvolution(engines).run(), Catch::StartsWith("cudnn engine 3"));
  const auto finalized = [&] {
    OneConvolution again(engines);
    const long before = softgpu::calls("cudnnBackendFinalize");
    CHECK_THAT(again.run(), Catch::StartsWith("cudnn engine 3"));
    return softgpu::calls("cudnnBackendFinalize") - before;
  };
  const long with_others = finalized();
  // Three tensors, convolution, operation, graph, heuristics, one plan, the pack it is run with.
  CHECK(with_others == 9);
}

TEST_CASE("plans that add up in less than float32 are never taken") {
  forget_plans();
  const auto precision = GENERATE(Precision::kFloat32, Precision::kTf32, Precision::kBfloat16);
  CHECK_THAT(OneConvolution({{.index = 1, .microseconds = 5, .reduced_sums = true},
                             {.index = 2, .microseconds = 50}},
                            precision)
                 .run(),
             Catch::StartsWith("cudnn engine 2"));
}

TEST_CASE("the gradient of a 1x1 kernel of bfloat16 activations is not rounded to bfloat16") {
  forget_plans();
  const auto backend = std::make_shared<cuda::CudaBackend>(0, Precision::kBfloat16, true);
  const Conv2dGeometry g{1, 3, 3, 8, 8, 1, 1, 1, 1, Padding::kSame};
  const DeviceArray<std::uint16_t> x(backend, std::vector<std::uint16_t>(g.x_size(), 0x3f80)),
      dy(backend, std::vector<std::uint16_t>(g.y_size(), 0x3f9d));  // 1 and 157/128
  const DeviceArray<float> dw(backend, g.w_size());
  backend->conv2d_backward_weights(g, Source(x.data(), g.x_size(), ValueType::kBfloat16),
                                   Source(dy.data(), g.y_size(), ValueType::kBfloat16), dw.span(),
                                   {});
  // 9 times 157/128 needs 11 bits: bfloat16's neighbours are 11 and 11.0625.
  CHECK(dw.read() == std::vector<float>(g.w_size(), 9 * 157.0F / 128));
}

}  // namespace afterglow
