// The CUDA backend's memory on the software GPU.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "kernels/cuda/cuda_backend.hpp"
#include "softgpu/softgpu.hpp"

namespace afterglow {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

std::shared_ptr<Backend> backend() {
  return std::make_shared<cuda::CudaBackend>(0, Precision::kFloat32, true);
}

/// What a buffer of `size` floats holds, seen from the host.
std::vector<float> read(Backend& cuda, const Buffer& buffer) {
  std::vector<float> values(buffer.bytes / sizeof(float));
  cuda.copy_to_host(buffer.data.get(), std::as_writable_bytes(std::span(values)));
  return values;
}

Destination span_of(const Buffer& buffer) {
  return {reinterpret_cast<float*>(buffer.data.get()), buffer.bytes / sizeof(float)};
}

}  // namespace

TEST_CASE("with the arena off every buffer is an allocation of its own size") {
  setenv("AFTERGLOW_CUDA_ARENA", "off", 1);
  const auto cuda = backend();
  unsetenv("AFTERGLOW_CUDA_ARENA");
  const std::size_t before = cuda->memory().reserved;
  Buffer first = cuda->allocate(100);
  const Buffer second = cuda->allocate(28);
  CHECK(cuda->memory().reserved == before + 128);
  first = {};
  const Buffer third = cuda->allocate(100);  // of a freed size, and yet new
  CHECK(cuda->memory().reserved == before + 128);
  CHECK(softgpu::calls("cudaFree") == 1);
  cuda->fill(span_of(second), 2);
  CHECK(read(*cuda, second) == std::vector<float>(7, 2));
}

TEST_CASE("buffers of the arena never overlap, whatever comes and goes") {
  const auto cuda = backend();
  struct Live {
    Buffer buffer;
    float value;
  };
  std::vector<Live> live;
  std::mt19937 random(1);
  for (int round = 0; round < 400; ++round) {
    if (live.size() > 20 || (!live.empty() && random() % 3 == 0)) {
      const std::size_t at = random() % live.size();
      const auto values = read(*cuda, live[at].buffer);
      CAPTURE(round, at);
      REQUIRE(values == std::vector<float>(values.size(), live[at].value));
      live.erase(live.begin() + std::ptrdiff_t(at));
      continue;
    }
    const std::size_t size = 1 + random() % (round % 50 == 0 ? 3 * kMiB : 5000);
    live.push_back({cuda->allocate(size * sizeof(float)), float(round)});
    cuda->fill(span_of(live.back().buffer), float(round));
  }
  CHECK(softgpu::broken_guards() == 0);
}

TEST_CASE("what is freed is used again without asking the driver", "[threads]") {
  const auto cuda = backend();
  const auto step = [&] {
    const Buffer a = cuda->allocate(5 * kMiB), b = cuda->allocate(20 * kMiB);
    const Buffer c = cuda->allocate(40 * kMiB);
  };
  step();
  const long before = softgpu::calls("cudaMalloc");
  const std::size_t allocations = cuda->memory().allocations;
  for (int i = 0; i < 10; ++i) step();
  CHECK(softgpu::calls("cudaMalloc") == before);
  CHECK(cuda->memory().allocations == allocations);
  CHECK(cuda->memory().in_use == 0);
  CHECK(cuda->memory().peak_in_use == 65 * kMiB);
}

TEST_CASE("free segments are given back before memory runs out, and then it is said so") {
  softgpu::Devices devices;
  devices.memory = 200 * kMiB;
  softgpu::set_devices(devices);
  {
    const auto cuda = backend();
    { const Buffer large = cuda->allocate(150 * kMiB); }
    const Buffer other = cuda->allocate(160 * kMiB);  // not beside the first
    CHECK(cuda->memory().reserved < 200 * kMiB);
    CHECK_THROWS_AS(cuda->allocate(100 * kMiB), RunError);
    CHECK_THROWS_WITH(cuda->allocate(100 * kMiB),
                      Catch::Contains("out of memory: 100 MiB wanted, 160 MiB in use"));
    const Buffer small = cuda->allocate(kMiB);  // what is left still serves
    CHECK(small.data != nullptr);
  }
  softgpu::reset();
}

TEST_CASE("threads may allocate and free at once, while one records", "[threads]") {
  const auto cuda = backend();
  const Buffer x = cuda->allocate(4000);
  const std::size_t before = cuda->memory().in_use;
  std::vector<std::vector<Buffer>> kept(3);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    threads.emplace_back([&, i] {
      std::mt19937 random(static_cast<unsigned>(i));
      kept[i].resize(8);
      for (int round = 0; round < 300; ++round) {
        kept[i][random() % 8] = cuda->allocate(1 + random() % 20'000);
      }
    });
  }
  std::vector<std::unique_ptr<Recording>> recordings;
  for (int round = 0; round < 10; ++round) {
    recordings.push_back(cuda->record([&] {
      const Buffer between = cuda->allocate(4000);
      cuda->fill(span_of(between), 3);
      cuda->copy(span_of(between), span_of(x));
    }));
    recordings.back()->replay();
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(read(*cuda, x) == std::vector<float>(1000, 3));
  kept.clear();
  recordings.clear();
  CHECK(cuda->memory().in_use == before);
}

TEST_CASE("buffers may outlive the backend") {
  Buffer buffer;
  {
    const auto cuda = backend();
    buffer = cuda->allocate(kMiB);
    cuda->fill(span_of(buffer), 1);
  }
  buffer = {};
  CHECK(softgpu::live().empty());
}

}  // namespace afterglow
