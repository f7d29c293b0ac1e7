#include <algorithm>
#include <catch2/catch.hpp>
#include <thread>

#include "softgpu/host.hpp"

using host::axpy;
using host::check;
using host::Device;
using host::error_of;
using host::Event;
using host::make_event;
using host::make_stream;
using host::Pinned;
using host::Stream;
using softgpu::Schedule;

namespace {

std::vector<float> filled(float value) { return std::vector<float>(8, value); }

/// first -> y -> second -> x: `first` writes y, `second` adds it to x, then `first` overwrites it.
/// Returns x.
float pipeline(const Stream& first, const Stream& second, bool event_there, bool event_back) {
  const Device<float> ones = host::to_device(filled(1));
  const Device<float> x = host::to_device(filled(0)), y = host::to_device(filled(0));
  check(cudaDeviceSynchronize());
  const Event made = make_event(), read = make_event();
  axpy(3, ones.get(), y.get(), 8, first.get());
  check(cudaEventRecord(made.get(), first.get()));
  if (event_there) check(cudaStreamWaitEvent(second.get(), made.get(), 0));
  axpy(1, y.get(), x.get(), 8, second.get());
  check(cudaEventRecord(read.get(), second.get()));
  if (event_back) check(cudaStreamWaitEvent(first.get(), read.get(), 0));
  axpy(2, ones.get(), y.get(), 8, first.get());
  check(cudaEventSynchronize(read.get()));
  return to_host(x).front();
}

}  // namespace

TEST_CASE("work runs when something waits for it, not before", "[softgpu]") {
  softgpu::reset();
  const Stream stream = make_stream();
  const Device<float> x = host::to_device(filled(1)), y = host::to_device(filled(1));
  const Pinned<float> out(8);
  std::fill_n(out.get(), 8, -1.0F);
  const auto queue = [&] {
    axpy(1, x.get(), y.get(), 8, stream.get());
    check(cudaMemcpyAsync(out.get(), y.get(), 32, cudaMemcpyDeviceToHost, stream.get()));
  };
  SECTION("lazily: without a wait the host reads what was there") {
    queue();
    CHECK(out.get()[0] == -1);
    check(cudaStreamSynchronize(stream.get()));
    CHECK(out.get()[0] == 2);
  }
  SECTION("eagerly: at once") {
    softgpu::set_schedule(Schedule::kEager);
    queue();
    CHECK(out.get()[0] == 2);
  }
  SECTION("a host that polls gets there") {
    queue();
    int polls = 0;
    for (; cudaStreamQuery(stream.get()) == cudaErrorNotReady; ++polls) CHECK(polls < 10);
    CHECK(polls == 2);
    CHECK(out.get()[0] == 2);
    CHECK(cudaGetLastError() == cudaSuccess);
  }
}

TEST_CASE("pinned memory is read when the copy runs, pageable memory when it is queued",
          "[softgpu]") {
  softgpu::reset();
  const Stream stream = make_stream();
  const Device<float> x(8);
  const Pinned<float> pinned(8);
  std::fill_n(pinned.get(), 8, 5.0F);
  check(cudaMemcpyAsync(x.get(), pinned.get(), 32, cudaMemcpyHostToDevice, stream.get()));
  std::fill_n(pinned.get(), 8, 7.0F);  // too early
  CHECK(to_host(x) == filled(7));
  std::vector<float> pageable = filled(5);
  check(cudaMemcpyAsync(x.get(), pageable.data(), 32, cudaMemcpyHostToDevice, stream.get()));
  pageable = filled(7);
  CHECK(to_host(x) == filled(5));
  softgpu::set_schedule(Schedule::kEager);
  std::fill_n(pinned.get(), 8, 5.0F);
  check(cudaMemcpyAsync(x.get(), pinned.get(), 32, cudaMemcpyHostToDevice, stream.get()));
  std::fill_n(pinned.get(), 8, 7.0F);  // too late
  CHECK(to_host(x) == filled(5));
}

TEST_CASE("a missing event between two streams is noticed in either direction", "[softgpu]") {
  softgpu::reset();
  const Stream first = make_stream(), second = make_stream();
  for (unsigned seed = 0; seed < 12; ++seed) {
    INFO("schedule " << seed);
    softgpu::set_schedule(seed == 0   ? Schedule::kLazy
                          : seed == 1 ? Schedule::kRush
                          : seed == 2 ? Schedule::kEager
                                      : Schedule::kShuffled,
                          seed);
    CHECK(pipeline(first, second, true, true) == 3);
  }
  CHECK(softgpu::races().empty());
  const auto caught = [&](bool there, bool back) {
    bool wrong = false;
    for (const Schedule schedule : {Schedule::kLazy, Schedule::kRush}) {
      softgpu::set_schedule(schedule);
      wrong = wrong || pipeline(first, second, there, back) != 3;
    }
    return wrong;
  };
  CHECK(caught(false, true));
  CHECK(caught(true, false));
}

TEST_CASE("a missing event is a race, whatever the schedule computes", "[softgpu]") {
  softgpu::reset();
  softgpu::set_schedule(Schedule::kEager);  // which gets the right numbers
  const Stream first = make_stream(), second = make_stream();
  CHECK(pipeline(first, second, true, true) == 3);
  CHECK(softgpu::races().empty());
  SECTION("read after write") {
    CHECK(pipeline(first, second, false, true) == 3);
    CHECK(softgpu::races().size() == 1);
  }
  SECTION("write after read") {
    CHECK(pipeline(first, second, true, false) == 3);
    CHECK(softgpu::races().size() == 1);
  }
}

TEST_CASE("the legacy stream and blocking streams wait for each other", "[softgpu]") {
  softgpu::reset();
  const Device<float> x = host::to_device(filled(1)), y = host::to_device(filled(1));
  const auto copied = [&](unsigned flags) {
    check(cudaMemcpy(y.get(), x.get(), 32, cudaMemcpyDeviceToDevice));
    check(cudaDeviceSynchronize());
    const Stream stream = make_stream(flags);
    axpy(1, x.get(), y.get(), 8, stream.get());
    float result = 0;
    check(cudaMemcpy(&result, y.get(), 4, cudaMemcpyDeviceToHost));
    check(cudaStreamSynchronize(stream.get()));
    return result;
  };
  CHECK(copied(cudaStreamDefault) == 2);
  CHECK(copied(cudaStreamNonBlocking) == 1);
}

TEST_CASE("events tell time and when they are done", "[softgpu]") {
  softgpu::reset();
  const Stream stream = make_stream();
  const Event start = make_event(cudaEventDefault), end = make_event(cudaEventDefault);
  const Event plain = make_event();
  CHECK(cudaEventQuery(end.get()) == cudaSuccess);  // never recorded
  check(cudaEventRecord(start.get(), stream.get()));
  for (int i = 0; i < 3; ++i) softgpu::launch(stream.get(), {}, false, [] {});
  check(cudaEventRecord(end.get(), stream.get()));
  float time = 0;
  CHECK(cudaEventElapsedTime(&time, start.get(), end.get()) == cudaErrorNotReady);
  CHECK(cudaEventQuery(end.get()) == cudaErrorNotReady);
  check(cudaEventSynchronize(end.get()));
  CHECK(cudaEventQuery(end.get()) == cudaSuccess);
  check(cudaEventElapsedTime(&time, start.get(), end.get()));
  CHECK(time == 0.003F);  // a microsecond for every operation, on the machine's own clock
  CHECK(error_of(cudaEventElapsedTime(&time, start.get(), plain.get())) ==
        cudaErrorInvalidResourceHandle);
}

TEST_CASE("a kernel that breaks a rule is a fault, as one whose launch fails is not", "[softgpu]") {
  softgpu::reset();
  const Stream stream = make_stream();
  softgpu::fail_call(1);
  softgpu::launch(stream.get(), {}, false, [] {});
  CHECK(softgpu::failed_call() == "kernel launch");
  CHECK(cudaPeekAtLastError() == cudaErrorLaunchOutOfResources);
  CHECK(cudaGetLastError() == cudaErrorLaunchOutOfResources);
  CHECK(cudaGetLastError() == cudaSuccess);
  softgpu::launch(stream.get(), {}, false, [] { throw std::runtime_error("a divergent barrier"); });
  CHECK(cudaStreamSynchronize(stream.get()) == cudaErrorLaunchFailure);
  CHECK_THAT(softgpu::fault(), Catch::Contains("a divergent barrier"));
  CHECK(cudaStreamSynchronize(stream.get()) == cudaErrorLaunchFailure);
  softgpu::reset();
}

TEST_CASE("streams and events that are not there are refused", "[softgpu]") {
  softgpu::reset();
  cudaStream_t gone = make_stream().get();
  const cudaEvent_t no_event = make_event().get();
  const Event event = make_event();
  CHECK(error_of(cudaStreamSynchronize(gone)) == cudaErrorInvalidResourceHandle);
  CHECK(error_of(cudaStreamDestroy(gone)) == cudaErrorInvalidResourceHandle);
  CHECK(error_of(cudaEventRecord(event.get(), gone)) == cudaErrorInvalidResourceHandle);
  CHECK(error_of(cudaEventRecord(no_event, nullptr)) == cudaErrorInvalidResourceHandle);
  CHECK(error_of(cudaStreamWaitEvent(nullptr, no_event, 0)) == cudaErrorInvalidResourceHandle);
  CHECK(error_of(cudaStreamCreateWithFlags(&gone, 64)) == cudaErrorInvalidValue);
}

TEST_CASE("two threads may use the machine at once", "[softgpu]") {
  softgpu::reset();
  const Device<float> x = host::to_device(filled(1));
  std::vector<std::thread> threads;
  std::vector<float> results(2);
  for (std::size_t i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      const Stream stream = make_stream();
      const Device<float> y(8);
      check(cudaMemsetAsync(y.get(), 0, 32, stream.get()));
      for (int n = 0; n < 100; ++n) axpy(1, x.get(), y.get(), 8, stream.get());
      check(cudaMemcpyAsync(&results[i], y.get(), 4, cudaMemcpyDeviceToHost, stream.get()));
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(results == std::vector<float>{100, 100});
}
