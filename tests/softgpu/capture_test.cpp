#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <thread>

#include "softgpu/host.hpp"

using host::axpy;
using host::check;
using host::Device;
using host::error_of;
using host::Event;
using host::Executable;
using host::Graph;
using host::make_event;
using host::make_stream;
using host::Pinned;
using host::Stream;
using softgpu::Schedule;

namespace {

std::vector<float> filled(float value) { return std::vector<float>(8, value); }

Graph end_capture(const Stream& stream) {
  cudaGraph_t graph = nullptr;
  check(cudaStreamEndCapture(stream.get(), &graph));
  return Graph(graph);
}

Executable instantiate(const Graph& graph) {
  cudaGraphExec_t result = nullptr;
  check(cudaGraphInstantiate(&result, graph.get(), 0));
  return Executable(result);
}

/// Two branches that each compute from x, and meet: z = 2 x + 3 x, in pinned memory.
struct Diamond {
  Stream main = make_stream(), side = make_stream();
  Event fork = make_event(), join = make_event();
  Device<float> x{8}, a{8}, b{8};
  Pinned<float> in{8}, out{8};

  void record(bool fork_event, bool join_event) {
    check(cudaMemcpyAsync(x.get(), in.get(), 32, cudaMemcpyHostToDevice, main.get()));
    check(cudaMemsetAsync(a.get(), 0, 32, main.get()));
    check(cudaMemsetAsync(b.get(), 0, 32, main.get()));
    check(cudaEventRecord(fork.get(), main.get()));
    if (fork_event) check(cudaStreamWaitEvent(side.get(), fork.get(), 0));
    axpy(3, x.get(), b.get(), 8, side.get());
    check(cudaEventRecord(join.get(), side.get()));
    axpy(2, x.get(), a.get(), 8, main.get());
    if (join_event) check(cudaStreamWaitEvent(main.get(), join.get(), 0));
    axpy(1, b.get(), a.get(), 8, main.get());
    check(cudaMemcpyAsync(out.get(), a.get(), 32, cudaMemcpyDeviceToHost, main.get()));
  }

  Executable capture() {
    check(cudaStreamBeginCapture(main.get(), cudaStreamCaptureModeGlobal));
    record(true, true);
    return instantiate(end_capture(main));
  }

  float run(const Executable& graph, float value) {
    std::fill_n(in.get(), 8, value);
    check(cudaGraphLaunch(graph.get(), main.get()));
    check(cudaStreamSynchronize(main.get()));
    return out.get()[7];
  }
};

}  // namespace

TEST_CASE("a captured graph runs again and again, with a fork and a join", "[softgpu]") {
  softgpu::reset();
  Diamond diamond;
  std::fill_n(diamond.out.get(), 8, -1.0F);
  const Executable graph = diamond.capture();
  check(cudaDeviceSynchronize());
  CHECK(diamond.out.get()[0] == -1);  // recorded, not run
  for (unsigned seed = 0; seed < 10; ++seed) {
    INFO("schedule " << seed);
    softgpu::set_schedule(seed == 0   ? Schedule::kLazy
                          : seed == 1 ? Schedule::kRush
                          : seed == 2 ? Schedule::kEager
                                      : Schedule::kShuffled,
                          seed);
    CHECK(diamond.run(graph, float(seed)) == 5 * float(seed));
  }
  CHECK(softgpu::races().empty());
}

TEST_CASE("an edge that a graph lacks is noticed", "[softgpu]") {
  softgpu::reset();
  Diamond diamond;
  // The side stream joins the capture, but its work does not wait for the copy into x.
  check(cudaStreamBeginCapture(diamond.main.get(), cudaStreamCaptureModeGlobal));
  check(cudaEventRecord(diamond.fork.get(), diamond.main.get()));
  check(cudaStreamWaitEvent(diamond.side.get(), diamond.fork.get(), 0));
  diamond.record(false, true);
  const Executable graph = instantiate(end_capture(diamond.main));
  softgpu::set_schedule(Schedule::kRush);
  CHECK(diamond.run(graph, 2) != 10);
  CHECK(!softgpu::races().empty());
}

TEST_CASE("launches of a graph follow one another and their stream", "[softgpu]") {
  softgpu::reset();
  const Stream stream = make_stream(), other = make_stream();
  const Device<float> ones = host::to_device(filled(1)), sum = host::to_device(filled(0));
  check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeGlobal));
  axpy(1, ones.get(), sum.get(), 8, stream.get());
  const Graph graph = end_capture(stream);
  std::size_t nodes = 0;
  check(cudaGraphGetNodes(graph.get(), nullptr, &nodes));
  CHECK(nodes == 1);
  const Executable executable = instantiate(graph);
  softgpu::set_schedule(Schedule::kRush);
  check(cudaMemsetAsync(sum.get(), 0, 32, stream.get()));
  for (int i = 0; i < 3; ++i) check(cudaGraphLaunch(executable.get(), stream.get()));
  check(cudaGraphLaunch(executable.get(), other.get()));
  axpy(10, ones.get(), sum.get(), 8, other.get());
  CHECK(to_host(sum) == filled(14));
  CHECK(softgpu::races().empty());
}

TEST_CASE("a graph keeps its pointers: memory freed since is a fault", "[softgpu]") {
  softgpu::reset();
  const Stream stream = make_stream();
  Executable executable;
  {
    const Device<float> gone(8);
    check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeGlobal));
    check(cudaMemsetAsync(gone.get(), 0, 32, stream.get()));
    executable = instantiate(end_capture(stream));
    check(cudaGraphLaunch(executable.get(), stream.get()));
    check(cudaStreamSynchronize(stream.get()));
  }
  check(cudaGraphLaunch(executable.get(), stream.get()));
  CHECK(cudaStreamSynchronize(stream.get()) == cudaErrorIllegalAddress);
  softgpu::reset();
}

TEST_CASE("calls that are illegal during capture void it, and the stream is free again",
          "[softgpu]") {
  softgpu::reset();
  const Stream stream = make_stream(), side = make_stream();
  const Event inside = make_event(), outside = make_event();
  const Device<float> x(8), freed(8);
  const Pinned<float> pinned(8);
  std::vector<float> pageable(8);
  Graph graph;
  check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeGlobal));
  axpy(1, x.get(), x.get(), 8, stream.get());
  const Executable executable = instantiate(end_capture(stream));
  check(cudaEventRecord(outside.get(), side.get()));

  // The error of `call` during capture; cudaSuccess if the capture lived on.
  const auto voided_by = [&](const std::function<cudaError_t()>& call) {
    check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeGlobal));
    axpy(1, x.get(), x.get(), 8, stream.get());
    const cudaError_t error = error_of(call());
    cudaStreamCaptureStatus status{};
    check(cudaStreamIsCapturing(stream.get(), &status));
    cudaGraph_t result = nullptr;
    const cudaError_t end = error_of(cudaStreamEndCapture(stream.get(), &result));
    const Graph owner(result);
    check(cudaStreamSynchronize(stream.get()));
    const bool is_void = status == cudaStreamCaptureStatusInvalidated && result == nullptr &&
                         end == cudaErrorStreamCaptureInvalidated;
    return is_void ? error : cudaSuccess;
  };
  void* memory = nullptr;
  CHECK(voided_by([] { return cudaSuccess; }) == cudaSuccess);
  CHECK(voided_by([&] { return cudaMalloc(&memory, 16); }) == cudaErrorStreamCaptureUnsupported);
  CHECK(voided_by([&] { return cudaMallocHost(&memory, 16); }) ==
        cudaErrorStreamCaptureUnsupported);
  CHECK(voided_by([&] { return cudaFree(freed.get()); }) == cudaErrorStreamCaptureUnsupported);
  CHECK(voided_by([&] { return cudaFreeHost(pinned.get()); }) == cudaErrorStreamCaptureUnsupported);
  CHECK(voided_by([&] { return cudaStreamSynchronize(stream.get()); }) ==
        cudaErrorStreamCaptureUnsupported);
  CHECK(voided_by([&] { return cudaStreamQuery(stream.get()); }) ==
        cudaErrorStreamCaptureUnsupported);
  CHECK(voided_by([&] { return cudaDeviceSynchronize(); }) == cudaErrorStreamCaptureUnsupported);
  CHECK(voided_by([&] { return cudaEventQuery(outside.get()); }) ==
        cudaErrorStreamCaptureUnsupported);
  CHECK(voided_by([&] { return cudaGraphLaunch(executable.get(), stream.get()); }) ==
        cudaErrorStreamCaptureUnsupported);
  CHECK(voided_by([&] {
          return cudaMemcpyAsync(x.get(), pageable.data(), 32, cudaMemcpyHostToDevice,
                                 stream.get());
        }) == cudaErrorStreamCaptureUnsupported);
  CHECK(voided_by([&] { return cudaMemcpy(x.get(), pinned.get(), 32, cudaMemcpyHostToDevice); }) ==
        cudaErrorStreamCaptureUnsupported);
  CHECK(voided_by([&] {
          check(cudaEventRecord(inside.get(), stream.get()));
          return cudaEventSynchronize(inside.get());
        }) == cudaErrorCapturedEvent);
  CHECK(voided_by([&] { return cudaStreamWaitEvent(stream.get(), outside.get(), 0); }) ==
        cudaErrorStreamCaptureIsolation);
  CHECK(error_of(cudaStreamWaitEvent(side.get(), inside.get(), 0)) == cudaErrorCapturedEvent);
  CHECK(memory == nullptr);
}

TEST_CASE("relaxed captures and relaxed threads may allocate", "[softgpu]") {
  softgpu::reset();
  const Stream stream = make_stream();
  check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeRelaxed));
  { const Device<float> x(8); }
  end_capture(stream);
  cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  check(cudaThreadExchangeStreamCaptureMode(&mode));
  CHECK(mode == cudaStreamCaptureModeGlobal);
  check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeGlobal));
  { const Device<float> x(8); }
  end_capture(stream);
  check(cudaThreadExchangeStreamCaptureMode(&mode));
  CHECK(mode == cudaStreamCaptureModeRelaxed);
}

TEST_CASE("a capture in global mode binds other threads, one in thread mode does not",
          "[softgpu]") {
  softgpu::reset();
  const Stream stream = make_stream();
  const auto from_another_thread = [&](cudaStreamCaptureMode mode) {
    check(cudaStreamBeginCapture(stream.get(), mode));
    cudaError_t error = cudaSuccess;
    std::thread([&] {
      void* memory = nullptr;
      error = cudaMalloc(&memory, 16);
      if (error == cudaSuccess) error = cudaFree(memory);
    }).join();
    cudaGraph_t graph = nullptr;
    static_cast<void>(cudaStreamEndCapture(stream.get(), &graph));
    const Graph owner(graph);
    return error;
  };
  CHECK(from_another_thread(cudaStreamCaptureModeGlobal) == cudaErrorStreamCaptureUnsupported);
  CHECK(from_another_thread(cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  static_cast<void>(cudaGetLastError());
}

TEST_CASE("captures that cannot end well", "[softgpu]") {
  softgpu::reset();
  const Stream stream = make_stream(), side = make_stream(), blocking = make_stream(0);
  const Event event = make_event();
  const Device<float> x(8), y(8);
  cudaGraph_t graph = nullptr;
  CHECK(error_of(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal)) ==
        cudaErrorStreamCaptureUnsupported);
  CHECK(error_of(cudaStreamEndCapture(stream.get(), &graph)) == cudaErrorIllegalState);
  SECTION("work on a side stream that never joins") {
    check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeGlobal));
    check(cudaEventRecord(event.get(), stream.get()));
    check(cudaStreamWaitEvent(side.get(), event.get(), 0));
    check(cudaMemsetAsync(y.get(), 0, 4, side.get()));
    CHECK(error_of(cudaStreamEndCapture(side.get(), &graph)) == cudaErrorStreamCaptureUnmatched);
    CHECK(error_of(cudaStreamEndCapture(stream.get(), &graph)) ==
          cudaErrorStreamCaptureInvalidated);
    check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeGlobal));
    CHECK(error_of(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeGlobal)) ==
          cudaErrorIllegalState);
    check(cudaEventRecord(event.get(), stream.get()));
    check(cudaStreamWaitEvent(side.get(), event.get(), 0));
    check(cudaMemsetAsync(y.get(), 0, 4, side.get()));
    CHECK(error_of(cudaStreamEndCapture(stream.get(), &graph)) == cudaErrorStreamCaptureUnjoined);
  }
  SECTION("the legacy stream while a blocking stream is captured") {
    check(cudaStreamBeginCapture(blocking.get(), cudaStreamCaptureModeRelaxed));
    CHECK(error_of(cudaMemsetAsync(x.get(), 0, 4, nullptr)) == cudaErrorStreamCaptureImplicit);
    CHECK(error_of(cudaStreamEndCapture(blocking.get(), &graph)) ==
          cudaErrorStreamCaptureInvalidated);
  }
  SECTION("two captures that meet") {
    check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeGlobal));
    check(cudaStreamBeginCapture(side.get(), cudaStreamCaptureModeGlobal));
    check(cudaEventRecord(event.get(), stream.get()));
    CHECK(error_of(cudaStreamWaitEvent(side.get(), event.get(), 0)) == cudaErrorStreamCaptureMerge);
    CHECK(error_of(cudaStreamEndCapture(side.get(), &graph)) == cudaErrorStreamCaptureInvalidated);
    CHECK(error_of(cudaStreamEndCapture(stream.get(), &graph)) ==
          cudaErrorStreamCaptureInvalidated);
  }
  SECTION("from another thread") {
    check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeGlobal));
    cudaError_t error = cudaSuccess;
    std::thread([&] { error = cudaStreamEndCapture(stream.get(), &graph); }).join();
    CHECK(error == cudaErrorStreamCaptureWrongThread);
    CHECK(error_of(cudaStreamEndCapture(stream.get(), &graph)) ==
          cudaErrorStreamCaptureInvalidated);
  }
  CHECK(graph == nullptr);
  for (const std::string& left : softgpu::live()) CHECK(left.find("capture") == std::string::npos);
}

TEST_CASE("a capture that is never ended is a leak", "[softgpu]") {
  softgpu::reset();
  const Stream stream = make_stream();
  check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeGlobal));
  CHECK(softgpu::live().back() == "capture of 0 operations");
  end_capture(stream);
  CHECK(softgpu::live() == std::vector<std::string>{"stream"});
}

TEST_CASE("an executable graph takes another graph of the same shape", "[softgpu]") {
  softgpu::reset();
  const Stream stream = make_stream();
  const Device<char> x(4);
  const auto record = [&](int value, int times) {
    check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeGlobal));
    for (int i = 0; i < times; ++i) check(cudaMemsetAsync(x.get(), value, 4, stream.get()));
    return end_capture(stream);
  };
  const Executable executable = instantiate(record(1, 1));
  cudaGraphExecUpdateResultInfo info{};
  check(cudaGraphExecUpdate(executable.get(), record(2, 1).get(), &info));
  check(cudaGraphLaunch(executable.get(), stream.get()));
  CHECK(to_host(x) == std::vector<char>(4, 2));
  CHECK(error_of(cudaGraphExecUpdate(executable.get(), record(2, 2).get(), &info)) ==
        cudaErrorGraphExecUpdateFailure);
  CHECK(info.result == cudaGraphExecUpdateErrorTopologyChanged);
}
