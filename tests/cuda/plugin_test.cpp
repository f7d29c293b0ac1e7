// What the plug-in says of the machine.
#include <catch2/catch.hpp>
#include <filesystem>
#include <span>
#include <string>

#include "base/error.hpp"
#include "kernels/cuda/libraries.hpp"
#include "kernels/cuda_plugin.hpp"
#include "softgpu/softgpu.hpp"
#include "support/temporary_folder.hpp"

extern "C" const afterglow::CudaPlugin* afterglow_cuda_plugin();

namespace afterglow {
namespace {

std::shared_ptr<Backend> open(int index) {
  return afterglow_cuda_plugin()->open(index, Precision::kTf32, true);
}

/// The device is described with its problem, and not opened.
void check_unusable(const softgpu::Devices& machine, const std::string& problem) {
  softgpu::set_devices(machine);
  CHECK_THAT(afterglow_cuda_plugin()->devices().at(0).problem, Catch::Contains(problem));
  CHECK_THROWS_AS(open(0), Unsupported);
}

}  // namespace

TEST_CASE("a usable device is described and opened") {
  const CudaPlugin& plugin = *afterglow_cuda_plugin();
  CHECK(plugin.version == kCudaPluginVersion);
  const auto devices = plugin.devices();
  REQUIRE(devices.size() == 1);
  CHECK_THAT(devices[0].description, Catch::Contains("compute capability 9.0"));
  CHECK(devices[0].problem.empty());
  const auto backend = open(0);
  CHECK(backend->device() == Device{Device::Kind::kCuda, 0});
  CHECK_THAT(backend->description(), Catch::StartsWith("cuda:0: ") && Catch::EndsWith(", tf32"));
}

TEST_CASE("a second device is opened by its number, a third is not there") {
  softgpu::Devices two;
  two.count = 2;
  softgpu::set_devices(two);
  CHECK(open(1)->device() == Device{Device::Kind::kCuda, 1});
  CHECK_THROWS_AS(open(2), Unsupported);
  CHECK_THROWS_WITH(open(2), Catch::Contains("there are 2 CUDA devices"));
  softgpu::reset();
}

TEST_CASE("why a machine's CUDA is not usable is said exactly") {
  softgpu::Devices machine;
  SECTION("no driver, or one that is too old") {
    machine.driver = false;
    softgpu::set_devices(machine);
    CHECK_THROWS_WITH(afterglow_cuda_plugin()->devices(), Catch::Contains("driver is older"));
    CHECK_THROWS_AS(open(0), Unsupported);
  }
  SECTION("no device") {
    machine.count = 0;
    softgpu::set_devices(machine);
    CHECK_THROWS_WITH(afterglow_cuda_plugin()->devices(), Catch::Contains("no CUDA device"));
    CHECK_THROWS_AS(open(0), Unsupported);
  }
  SECTION("a device that is too old") {
    machine.major = 7;
    machine.minor = 5;
    softgpu::set_devices(machine);
    CHECK_THAT(afterglow_cuda_plugin()->devices().at(0).problem,
               Catch::Contains("compute capability 7.5 is older than 8.0"));
    CHECK_THROWS_WITH(open(0), Catch::Contains("compute capability 7.5"));
  }
  SECTION("a device that another process has to itself") {
    machine.busy = true;
    softgpu::set_devices(machine);
    CHECK_THAT(afterglow_cuda_plugin()->devices().at(0).problem,
               Catch::Contains("cannot be opened") && Catch::Contains("busy or unavailable"));
    CHECK_THROWS_AS(open(0), Unsupported);
    CHECK_THROWS_WITH(open(0), Catch::Contains("busy or unavailable"));
  }
  SECTION("a cuDNN that is older than that of the build") {
    machine.cudnn_version = 90100;
    check_unusable(machine, "cuDNN 9.1.0 is older than 9.");
  }
  SECTION("a cuDNN for another CUDA") {
    machine.cudnn_cuda_version = 11080;
    check_unusable(machine, "cuDNN is for CUDA 11");
  }
  softgpu::reset();
  CHECK(open(0) != nullptr);
}

TEST_CASE("a negative number is no device") {
  CHECK_THROWS_AS(open(-1), Unsupported);
  CHECK_THROWS_WITH(open(-1), Catch::Contains("counted from 0"));
}

TEST_CASE("whatever call of opening a device fails, CUDA is not usable") {
  long refused = 0;
  std::string ignored;
  for (long n = 1;; ++n) {
    CAPTURE(n);
    softgpu::reset();
    softgpu::fail_call(n);
    try {
      const auto backend = open(0);
      ignored += softgpu::failed_call();
    } catch (const Unsupported&) {
      ++refused;
    }
    if (softgpu::failed_call().empty()) break;
  }
  CHECK(refused > 4);
  CHECK(ignored.empty());
  softgpu::reset();
}

TEST_CASE("the library that cannot be loaded is named") {
  const TemporaryFolder folder;
  const char* const libraries[] = {"libc.so.6", "libcudnn_of_no_use.so.9", "libnot_asked_for.so"};
  CHECK(cuda::first_missing(folder.path(), libraries) == "libcudnn_of_no_use.so.9");
  CHECK(cuda::first_missing(folder.path(), std::span(libraries).first(1)).empty());
  std::filesystem::copy(SOFT_LIBRARY, folder.path() / "libcudnn_of_no_use.so.9");
  CHECK(cuda::first_missing(folder.path(), std::span(libraries).first(2)).empty());
}

}  // namespace afterglow
