#include "kernels/device.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "base/error.hpp"
#include "kernels/backend.hpp"
#include "kernels/cpu/onednn.hpp"

using namespace afterglow;

TEST_CASE("auto and cpu open the CPU backend, which says what it runs on") {
  const auto name = GENERATE(as<std::string>(), "auto", "cpu");
  const auto backend = open_backend(name);
  CHECK(backend->device() == Device{Device::Kind::kCpu, 0});
  CHECK_THAT(backend->description(), Catch::StartsWith("cpu: ") && Catch::Contains("thread"));
  CHECK_THAT(backend->description(), !Catch::Contains("\n"));
}

TEST_CASE("a CUDA device is refused with a way out") {
  const auto name = GENERATE(as<std::string>(), "cuda", "cuda:0", "cuda:17");
  CHECK_THROWS_AS(open_backend(name), InputError);
  CHECK_THROWS_WITH(open_backend(name),
                    Catch::Contains("no CUDA backend") && Catch::Contains("--device cpu"));
}

TEST_CASE("any other device is refused") {
  const auto name =
      GENERATE(as<std::string>(), "", "gpu", "CPU", "cuda:", "cuda:x", "cuda1", "cuda:1x", "cpu ");
  CHECK_THROWS_AS(open_backend(name), InputError);
  CHECK_THROWS_WITH(open_backend(name), Catch::Contains("auto") && Catch::Contains("cpu") &&
                                            !Catch::Contains("CUDA backend"));
}

TEST_CASE("any other precision is refused, and bfloat16 where it would not be faster") {
  CHECK_THROWS_WITH(open_backend("cpu", "auto", "half"),
                    Catch::Contains("--precision") && Catch::Contains("fp32 or bf16"));
  if (has_fast_bfloat16()) {
    CHECK_NOTHROW(open_backend("cpu", "auto", "bf16"));
  } else {
    CHECK_THROWS_WITH(open_backend("cpu", "auto", "bf16"),
                      Catch::Contains("--precision bf16") && Catch::Contains("AMX"));
  }
}

TEST_CASE("any other choice of convolutions is refused") {
  CHECK_THROWS_AS(open_backend("cpu", "fast"), InputError);
  CHECK_THROWS_WITH(open_backend("cpu", "fast"),
                    Catch::Contains("--conv-algo") && Catch::Contains("winograd"));
}
