// The backend on a real device: without one, the tests say so and end.
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>

#include "base/error.hpp"
#include "kernels/cuda_plugin.hpp"
#include "support/backend_under_test.hpp"

extern "C" const afterglow::CudaPlugin* afterglow_cuda_plugin();

namespace afterglow {
namespace {

class SkipWithoutDevice final : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;

  void testRunStarting(const Catch::TestRunInfo& info) override {
    TestEventListenerBase::testRunStarting(info);
    try {
      const auto devices = afterglow_cuda_plugin()->devices();
      std::printf("%s\n", devices.front().description.c_str());
    } catch (const Error& reason) {
      std::printf("SKIPPED: %s\n", reason.what());
      std::exit(0);
    }
  }
};

CATCH_REGISTER_LISTENER(SkipWithoutDevice)

}  // namespace

namespace test {

// cuDNN too may use one of Winograd's algorithms.
Tolerance convolution_tolerance(const Conv2dGeometry& /*g*/, Pass /*pass*/, std::size_t terms) {
  return winograd_tolerance(terms);
}
Tolerance convolution_tolerance(const UpsampleConv2dGeometry& /*g*/, Pass /*pass*/,
                                std::size_t terms) {
  return winograd_tolerance(terms);
}

}  // namespace test
}  // namespace afterglow
