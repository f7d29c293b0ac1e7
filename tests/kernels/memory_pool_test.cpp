#include <atomic>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <random>
#include <thread>
#include <vector>

#include "kernels/backend.hpp"

using namespace afterglow;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

bool is_aligned(const Buffer& buffer) {
  return reinterpret_cast<std::uintptr_t>(buffer.data.get()) % 64 == 0;
}

}  // namespace

TEST_CASE("buffers are aligned to 64 bytes, whatever their size, and do not overlap") {
  const auto backend = make_cpu_backend();
  std::vector<Buffer> buffers;
  for (const std::size_t bytes : {0, 1, 3, 63, 64, 65, 1000, 4096, 100'001, 5'000'000}) {
    buffers.push_back(backend->allocate(bytes));
    CAPTURE(bytes);
    REQUIRE(buffers.back().data != nullptr);
    CHECK(buffers.back().bytes == bytes);
    CHECK(is_aligned(buffers.back()));
    std::memset(buffers.back().data.get(), int(buffers.size()), bytes);
  }
  for (std::size_t i = 0; i < buffers.size(); ++i)
    for (std::size_t byte = 0; byte < buffers[i].bytes; ++byte)
      if (buffers[i].data.get()[byte] != std::byte(i + 1))
        FAIL("byte " << byte << " of buffer " << i << " was overwritten");
}

TEST_CASE("the memory report is exact") {
  const auto backend = make_cpu_backend();
  const std::size_t before = backend->memory().in_use;
  auto a = std::make_unique<Buffer>(backend->allocate(kMiB));
  const Buffer copy = *a;
  CHECK(backend->memory().in_use == before + kMiB);
  a.reset();
  CHECK(backend->memory().in_use == before + kMiB);  // the copy holds it
  {
    const Buffer more = backend->allocate(2 * kMiB);
    CHECK(backend->memory().in_use == before + 3 * kMiB);
  }
  const MemoryReport report = backend->memory();
  CHECK(report.in_use == before + kMiB);
  CHECK(report.peak_in_use == before + 3 * kMiB);
  CHECK(report.reserved >= report.in_use);
}

TEST_CASE("a step that asks for what the step before asked for gets no new memory") {
  const auto backend = make_cpu_backend();
  // As in training: activations pile up on the way forward and go on the way back, beside scratch
  // memory of other sizes.
  const auto step = [&] {
    std::vector<Buffer> activations;
    for (std::size_t layer = 1; layer <= 12; ++layer) {
      activations.push_back(backend->allocate((13 - layer) * 70'000));
      const Buffer scratch = backend->allocate(layer * 50'000);
    }
    Buffer gradient = backend->allocate(1000);
    while (!activations.empty()) {
      const Buffer weights = backend->allocate(activations.size() * 3000);
      gradient = backend->allocate(activations.back().bytes);
      activations.pop_back();
    }
  };
  step();
  step();
  const std::size_t before = backend->memory().allocations;
  for (int i = 0; i < 10; ++i) step();
  CHECK(backend->memory().allocations == before);
  CHECK(backend->memory().in_use == 0);
}

TEST_CASE("what is kept for reuse stays near the peak in use when sizes change") {
  const auto backend = make_cpu_backend();
  std::mt19937_64 generator(1);
  for (int phase = 0; phase < 50; ++phase) {
    std::vector<Buffer> buffers;
    const std::size_t size = 1000 + generator() % (2 * kMiB);
    for (int i = 0; i < 8; ++i) buffers.push_back(backend->allocate(size + generator() % size));
  }
  const MemoryReport report = backend->memory();
  CHECK(report.in_use == 0);
  CHECK(double(report.reserved) <= 1.25 * double(report.peak_in_use) + double(kMiB));
}

TEST_CASE("buffers outlive the backend") {
  auto backend = make_cpu_backend();
  const Buffer buffer = backend->allocate(kMiB);
  backend.reset();
  std::memset(buffer.data.get(), 7, buffer.bytes);
  CHECK(buffer.data.get()[kMiB - 1] == std::byte{7});
}

TEST_CASE("absurd sizes throw bad_alloc and change nothing") {
  const auto backend = make_cpu_backend();
  const Buffer buffer = backend->allocate(kMiB);
  const MemoryReport before = backend->memory();
  CHECK_THROWS_AS(backend->allocate(std::numeric_limits<std::size_t>::max()), std::bad_alloc);
  CHECK_THROWS_AS(backend->allocate(std::numeric_limits<std::size_t>::max() / 4), std::bad_alloc);
  CHECK(backend->memory().in_use == before.in_use);
  CHECK(backend->memory().reserved == before.reserved);
  CHECK(backend->allocate(64).data != nullptr);
}

TEST_CASE("threads may allocate and free at once, also each other's buffers", "[threads]") {
  const auto backend = make_cpu_backend();
  std::atomic<int> spoiled = 0;
  const auto work = [&](std::uint64_t seed) {
    std::mt19937_64 generator(seed);
    std::vector<Buffer> held(16);
    for (int i = 0; i < 20'000; ++i) {
      Buffer& slot = held[generator() % held.size()];
      if (slot.bytes > 0) {
        const std::byte mark = slot.data.get()[0];
        if (slot.data.get()[slot.bytes - 1] != mark) ++spoiled;
      }
      slot = backend->allocate(1 + generator() % 20'000);
      const auto mark = int(generator() % 256);
      slot.data.get()[0] = slot.data.get()[slot.bytes - 1] = std::byte(mark);
    }
    return held;
  };
  std::vector<std::vector<Buffer>> kept(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kept.size(); ++i)
    threads.emplace_back([&, i] { kept[i] = work(i + 1); });
  for (std::thread& thread : threads) thread.join();
  CHECK(spoiled == 0);
  kept.clear();
  CHECK(backend->memory().in_use == 0);
}
