#include "kernels/device.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "kernels/backend.hpp"
#include "kernels/cpu/onednn.hpp"

using namespace afterglow;

namespace {

/// Set while it lives.
class EnvironmentVariable {
 public:
  EnvironmentVariable(std::string name, const char* value) : name_(std::move(name)) {
    setenv(name_.c_str(), value, 1);
  }
  ~EnvironmentVariable() { unsetenv(name_.c_str()); }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;

 private:
  std::string name_;
};

}  // namespace

TEST_CASE("cpu opens the CPU backend, which says what it runs on") {
  const auto backend = open_backend({.device = "cpu"});
  CHECK(backend->device() == Device{Device::Kind::kCpu, 0});
  CHECK_THAT(backend->description(), Catch::StartsWith("cpu: ") && Catch::Contains("thread"));
  CHECK_THAT(backend->description(), !Catch::Contains("\n"));
}

TEST_CASE("auto opens what there is") { CHECK_FALSE(open_backend()->description().empty()); }

TEST_CASE("without the plug-in a CUDA device is refused with the reason and a way out") {
  const auto name = GENERATE(as<std::string>(), "cuda", "cuda:0", "cuda:17");
  const EnvironmentVariable plugin("AFTERGLOW_CUDA_PLUGIN", "/nowhere/libafterglow_cuda.so");
  CHECK_THROWS_AS(open_backend({.device = name}), InputError);
  CHECK_THROWS_WITH(open_backend({.device = name}), Catch::Contains("--device " + name) &&
                                                        Catch::Contains("no CUDA plug-in") &&
                                                        Catch::Contains("--device cpu"));
  CHECK(open_backend()->device().kind == Device::Kind::kCpu);
}

TEST_CASE("the devices are described, and why CUDA is not usable") {
  const EnvironmentVariable plugin("AFTERGLOW_CUDA_PLUGIN", "/nowhere/libafterglow_cuda.so");
  const auto lines = describe_devices();
  REQUIRE(lines.size() == 2);
  CHECK_THAT(lines[0], Catch::StartsWith("cpu: "));
  CHECK_THAT(lines[1], Catch::StartsWith("cuda: not usable: ") && Catch::Contains("plug-in"));
}

TEST_CASE("any other device is refused") {
  const auto name =
      GENERATE(as<std::string>(), "", "gpu", "CPU", "cuda:", "cuda:x", "cuda1", "cuda:1x", "cpu ");
  CHECK_THROWS_AS(open_backend({.device = name}), InputError);
  CHECK_THROWS_WITH(open_backend({.device = name}), Catch::Contains("auto") &&
                                                        Catch::Contains("cpu") &&
                                                        !Catch::Contains("plug-in"));
}

TEST_CASE("any other precision is refused, and bfloat16 where it would not be faster") {
  CHECK_THROWS_WITH(open_backend({.device = "cpu", .precision = "half"}),
                    Catch::Contains("--precision") && Catch::Contains("fp32, tf32 or bf16"));
  if (bfloat16_rates()) {
    CHECK_NOTHROW(open_backend({.device = "cpu", .precision = "bf16"}));
  } else {
    CHECK_THROWS_WITH(open_backend({.device = "cpu", .precision = "bf16"}),
                      Catch::Contains("--precision bf16") && Catch::Contains("AMX"));
  }
}

TEST_CASE("any other choice of convolutions is refused") {
  CHECK_THROWS_AS(open_backend({.device = "cpu", .convolutions = "fast"}), InputError);
  CHECK_THROWS_WITH(open_backend({.device = "cpu", .convolutions = "fast"}),
                    Catch::Contains("--conv-algo") && Catch::Contains("winograd"));
}
