#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "softgpu/cudnn_program.hpp"
#include "softgpu/host.hpp"

using namespace cudnn_program;
using host::check;
using host::Device;

namespace {

/// Throws what the writer met.
Handle checked(const Writer& writer, Handle handle) {
  check(writer.status());
  return handle;
}

/// A step of a program that uses everything: a ReLU, a matrix product, a kernel and copies, with a
/// fork and a join, captured and replayed. Returns 2 (2 relu(x))^T relu(x).
float program() {
  const host::Stream stream = host::make_stream(), side = host::make_stream();
  const host::Event fork = host::make_event(), join = host::make_event();
  const host::Cudnn cudnn = host::make_cudnn(stream.get());
  const host::Cublas cublas = host::make_cublas(stream.get());
  const Device<float> x(4), y(4), z(1), twice(4);
  const Device<char> workspace(1333);
  const host::Pinned<float> in(4), out(1);
  const float values[4] = {-1, 2, -3, 4};
  std::copy_n(values, 4, in.get());

  Writer writer(linked_api());
  const TensorSpec first = channels_last(1, {1, 4, 1, 1});
  const Handle relu = writer.pointwise(CUDNN_POINTWISE_RELU_FWD, first, nullptr, first.with_uid(2));
  const auto configurations = writer.configurations(writer.graph({relu}), CUDNN_HEUR_MODE_A);
  check(writer.status());
  const Handle plan = checked(writer, writer.plan(configurations.at(4)));
  const Handle pack = checked(writer, writer.pack({{1, x.get()}, {2, y.get()}}, workspace.get()));

  const auto work = [&] {
    check(cudaMemcpyAsync(x.get(), in.get(), x.bytes(), cudaMemcpyHostToDevice, stream.get()));
    check(cudnnBackendExecute(cudnn.get(), plan, pack));
    check(cudaEventRecord(fork.get(), stream.get()));
    check(cudaStreamWaitEvent(side.get(), fork.get(), 0));
    check(cudaMemsetAsync(twice.get(), 0, twice.bytes(), side.get()));
    host::axpy(2, y.get(), twice.get(), 4, side.get());
    check(cudaGetLastError());
    check(cudaEventRecord(join.get(), side.get()));
    check(cudaStreamWaitEvent(stream.get(), join.get(), 0));
    const float two = 2, zero = 0;
    check(cublasSgemm_v2(cublas.get(), CUBLAS_OP_T, CUBLAS_OP_N, 1, 1, 4, &two, twice.get(), 4,
                         y.get(), 4, &zero, z.get(), 1));
    check(cudaMemcpyAsync(out.get(), z.get(), z.bytes(), cudaMemcpyDeviceToHost, stream.get()));
  };
  check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal));
  cudaGraph_t raw = nullptr;
  try {
    work();
  } catch (...) {
    static_cast<void>(cudaStreamEndCapture(stream.get(), &raw));
    const host::Graph owner(raw);
    throw;
  }
  check(cudaStreamEndCapture(stream.get(), &raw));
  const host::Graph graph(raw);
  cudaGraphExec_t executable = nullptr;
  check(cudaGraphInstantiate(&executable, graph.get(), 0));
  const host::Executable owner(executable);
  check(cudaGraphLaunch(executable, stream.get()));
  check(cudaStreamSynchronize(stream.get()));
  return out.get()[0];
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("every call of a program fails in turn, and nothing leaks", "[softgpu]") {
  softgpu::reset();
  CHECK(program() == 80);
  CHECK(softgpu::live().empty());
  int exceptions = 0, releases = 0;
  for (long n = 1;; ++n) {
    softgpu::reset();
    softgpu::fail_call(n);
    float result = 0;
    bool threw = false;
    try {
      result = program();
    } catch (const host::Error&) {
      threw = true;
    }
    const std::string failed = softgpu::failed_call();
    softgpu::fail_call(0);
    INFO("call " << n << ": " << failed);
    CHECK(softgpu::live() == std::vector<std::string>{});
    if (failed.empty()) {
      CHECK(result == 80);
      break;
    }
    // Destructors do not throw: a release that fails is all that may go unheard.
    const bool release = contains(failed, "Free") || contains(failed, "Destroy");
    CHECK(threw != release);
    ++(threw ? exceptions : releases);
  }
  CHECK(exceptions > 70);
  CHECK(releases > 20);
}

TEST_CASE("what a program does not give back is seen", "[softgpu]") {
  softgpu::reset();
  void* memory = nullptr;
  check(cudaMalloc(&memory, 12));
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  cudnnBackendDescriptor_t descriptor = nullptr;
  check(cudnnBackendCreateDescriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR, &descriptor));
  std::vector<std::string> live = softgpu::live();
  std::sort(live.begin(), live.end());
  CHECK(live ==
        std::vector<std::string>{"12 bytes of device memory", "cudnn descriptor", "stream"});
  check(cudaFree(memory));
  check(cudaStreamDestroy(stream));
  check(cudnnBackendDestroyDescriptor(descriptor));
  CHECK(softgpu::live().empty());
}
