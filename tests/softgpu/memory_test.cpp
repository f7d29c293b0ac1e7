#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <set>

#include "softgpu/host.hpp"

using Catch::Matchers::Contains;
using host::check;
using host::Device;
using host::error_of;
using host::in_child;
using host::Pinned;

TEST_CASE("fresh device and pinned memory is poison", "[softgpu]") {
  softgpu::reset();
  const Device<float> device(100);
  for (const float value : to_host(device)) CHECK(std::isnan(value));
  const Pinned<float> pinned(100);
  CHECK(std::isnan(pinned.get()[99]));
  std::uint32_t bits = 0;
  std::memcpy(&bits, pinned.get(), sizeof bits);
  CHECK((bits & 0x400000U) == 0);  // signalling: arithmetic changes it
  CHECK((bits & 0x40U) == 0);      // its lower half, as bfloat16, too
}

TEST_CASE("the host cannot read or write device memory", "[softgpu]") {
  softgpu::reset();
  const Device<float> device(100);
  const std::string said = in_child([&] {
    volatile float value = device.get()[3];
    static_cast<void>(value);
  });
  CHECK_THAT(said, Contains("host code touched byte 12 of 400 bytes of device memory"));
  CHECK_THAT(said, !Contains("exit 0"));
  CHECK_THAT(in_child([&] { device.get()[99] = 1; }), Contains("host code touched byte 396"));
  to_host(device);  // a copy opens it, and closes it again
  CHECK_THAT(in_child([&] { device.get()[0] = 1; }), Contains("host code touched byte 0"));
  const Pinned<float> pinned(100);
  CHECK(in_child([&] { pinned.get()[99] = 1; }) == "exit 0");
}

TEST_CASE("freed memory is closed, and its address never used again", "[softgpu]") {
  softgpu::reset();
  const float* freed = Device<float>(16).get();
  CHECK_THAT(in_child([&] {
               volatile float value = *freed;
               static_cast<void>(value);
             }),
             Contains("of freed memory"));
  std::set<const float*> seen{freed};
  for (int i = 0; i < 50; ++i) CHECK(seen.insert(Device<float>(16).get()).second);
}

TEST_CASE("an operation can touch only what it names, and write only what it writes", "[softgpu]") {
  softgpu::reset();
  const Device<float> named(64), other(64);
  const auto touch = [&](float* at, bool write, bool everything) {
    return in_child([&, at, write, everything] {
      softgpu::launch(nullptr, {{named.get(), 1, write}}, everything, [at] { *at = 1; });
      check(cudaDeviceSynchronize());
    });
  };
  CHECK(touch(named.get(), true, false) == "exit 0");
  CHECK_THAT(touch(named.get(), false, false),
             Contains("a kernel touched byte 0 of 256 bytes of device memory"));
  CHECK_THAT(touch(other.get(), true, false), Contains("a kernel touched byte 0"));
  CHECK(touch(other.get(), true, true) == "exit 0");
  CHECK_THAT(touch(named.get() + 64, true, false), Contains("a kernel touched byte 256"));
  // Nor what the operation before it had open.
  const auto two = [&](float* at) {
    return in_child([&, at] {
      softgpu::launch(nullptr, {{other.get(), 1, true}}, false, [&] { *other.get() = 1; });
      softgpu::launch(nullptr, {{named.get(), 1, true}, {other.get(), 1, false}}, false,
                      [at] { *at = 1; });
      check(cudaDeviceSynchronize());
    });
  };
  CHECK(two(named.get()) == "exit 0");
  CHECK_THAT(two(other.get()), Contains("a kernel touched byte 0"));
}

TEST_CASE("writing past the end breaks guard words", "[softgpu]") {
  softgpu::reset();
  const Device<float> x = host::to_device(std::vector<float>(101, 1.0F));
  const Device<float> y = host::to_device(std::vector<float>(101, 1.0F));
  host::axpy(1, x.get(), y.get(), 101, nullptr);
  check(cudaDeviceSynchronize());
  CHECK(softgpu::broken_guards() == 0);
  // "+=" on the first float behind the end, which only a signalling NaN shows.
  host::axpy(1, x.get(), y.get() + 1, 101, nullptr);
  check(cudaDeviceSynchronize());
  CHECK(softgpu::broken_guards() == 1);
}

TEST_CASE("host code that writes past pinned memory is found when it is freed", "[softgpu]") {
  softgpu::reset();
  { const Pinned<char> inside(33); }
  CHECK(softgpu::broken_guards() == 0);
  {
    const Pinned<char> pinned(33);
    pinned.get()[33] = 0;
  }
  CHECK(softgpu::broken_guards() == 1);
}

TEST_CASE("an address that is not device memory is a fault that lasts", "[softgpu]") {
  softgpu::reset();
  const Device<float> device(4);
  float value = 0;
  SECTION("host memory") { host::axpy(1, &value, device.get(), 1, nullptr); }
  SECTION("freed memory") {
    const float* freed = Device<float>(4).get();
    host::axpy(1, freed, device.get(), 1, nullptr);
  }
  CHECK(cudaGetLastError() == cudaSuccess);  // nothing has run yet
  CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
  CHECK_THAT(softgpu::fault(), Contains("not inside one live allocation"));
  CHECK(cudaGetLastError() == cudaErrorIllegalAddress);
  CHECK(cudaGetLastError() == cudaErrorIllegalAddress);
  void* more = nullptr;
  CHECK(cudaMalloc(&more, 4) == cudaErrorIllegalAddress);
  softgpu::reset();
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}

TEST_CASE("device memory ends where the machine's does", "[softgpu]") {
  softgpu::reset();
  softgpu::set_devices({.memory = 1 << 20});
  std::size_t free = 0, total = 0;
  {
    const Device<char> most((1 << 20) - 100);
    check(cudaMemGetInfo(&free, &total));
    CHECK(free == 100);
    CHECK(total == 1 << 20);
    void* more = &free;
    CHECK(error_of(cudaMalloc(&more, 101)) == cudaErrorMemoryAllocation);
    CHECK(more == nullptr);
    const Pinned<char> pinned(4096);  // not the device's
    const Device<char> rest(100);
  }
  check(cudaMemGetInfo(&free, &total));
  CHECK(free == total);
}

TEST_CASE("copies say where from and where to, and stay inside", "[softgpu]") {
  softgpu::reset();
  const Device<char> a(100), b(100);
  char host[100] = {};
  CHECK(cudaMemcpy(a.get(), b.get(), 100, cudaMemcpyDeviceToDevice) == cudaSuccess);
  CHECK(error_of(cudaMemcpy(a.get(), b.get(), 101, cudaMemcpyDeviceToDevice)) ==
        cudaErrorInvalidValue);
  CHECK(error_of(cudaMemcpy(a.get(), b.get(), 4, cudaMemcpyHostToDevice)) == cudaErrorInvalidValue);
  CHECK(error_of(cudaMemcpy(host, a.get(), 4, cudaMemcpyHostToDevice)) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(host, a.get(), 4, cudaMemcpyDefault) == cudaSuccess);
  CHECK(error_of(cudaMemsetAsync(a.get() + 1, 0, 100, nullptr)) == cudaErrorInvalidValue);
  CHECK(error_of(cudaMemsetAsync(host, 0, 4, nullptr)) == cudaErrorInvalidValue);
  CHECK(cudaMemset(a.get(), 7, 100) == cudaSuccess);
  CHECK(to_host(a) == std::vector<char>(100, 7));
  CHECK(error_of(cudaFree(a.get() + 1)) == cudaErrorInvalidValue);
  CHECK(error_of(cudaFreeHost(a.get())) == cudaErrorInvalidValue);
  CHECK(cudaFree(nullptr) == cudaSuccess);
}

TEST_CASE("freeing memory while work is queued is counted as a hidden wait", "[softgpu]") {
  softgpu::reset();
  const Device<float> x = host::to_device(std::vector<float>(4, 1.0F));
  const long before = softgpu::implicit_syncs();
  { const Device<float> idle(4); }
  CHECK(softgpu::implicit_syncs() == before);
  {
    const Device<float> busy(4);
    host::axpy(1, x.get(), busy.get(), 4, nullptr);
  }
  CHECK(softgpu::implicit_syncs() == before + 1);
}
