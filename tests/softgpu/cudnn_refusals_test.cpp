#include "softgpu/cudnn_refusals.hpp"

#include <catch2/catch.hpp>

#include "softgpu/host.hpp"

using namespace cudnn_program;
using host::check;
using host::Device;

TEST_CASE("wrong descriptors are refused, right ones are not", "[softgpu]") {
  softgpu::reset();
  for (const Case& wrong : cases()) {
    INFO(wrong.name);
    Writer writer(linked_api());
    wrong.write(writer);
    char why[200] = "";
    cudnnGetLastErrorString(why, sizeof why);
    INFO(why);
    CHECK(writer.status() == wrong.status);
  }
  CHECK(softgpu::live().empty());
}

TEST_CASE("a plan runs only with the pointers it needs", "[softgpu]") {
  softgpu::reset();
  softgpu::set_engines({{.index = 0, .workspace = 256}}, {});
  const host::Cudnn cudnn = host::make_cudnn(nullptr);
  const TensorSpec in = channels_last(1, {1, 4, 2, 2}), out = in.with_uid(2);
  const Device<float> x = host::to_device(std::vector<float>(32, 1.0F)), y(32);
  const Device<char> workspace(256);
  Writer writer(linked_api());
  const Handle operation = writer.pointwise(CUDNN_POINTWISE_RELU_FWD, in, nullptr, out);
  const Handle plan =
      writer.plan(writer.configurations(writer.graph({operation}), CUDNN_HEUR_MODE_A).at(0));
  const auto status = [&](const std::vector<std::pair<std::int64_t, void*>>& pointers,
                          void* space) {
    Writer local(linked_api());
    const Handle pack = local.pack(pointers, space);
    check(local.status());
    return cudnnBackendExecute(cudnn.get(), plan, pack);
  };
  void* const space = workspace.get();
  CHECK(status({{1, x.get()}, {2, y.get()}}, space) == CUDNN_STATUS_SUCCESS);
  check(cudaDeviceSynchronize());
  CHECK(status({{1, x.get()}}, space) == CUDNN_STATUS_BAD_PARAM);
  CHECK(status({{1, x.get()}, {2, y.get()}, {3, y.get()}}, space) == CUDNN_STATUS_BAD_PARAM);
  CHECK(status({{1, x.get()}, {2, y.get()}}, nullptr) == CUDNN_STATUS_BAD_PARAM);
  CHECK(status({{1, x.get() + 1}, {2, y.get()}}, space) ==
        CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
  CHECK(cudnnBackendExecute(cudnn.get(), plan, plan) == CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
  // Memory or a workspace that ends too early is found when the work runs.
  const auto faults = [&](void* to, void* scratch) {
    CHECK(status({{1, x.get()}, {2, to}}, scratch) == CUDNN_STATUS_SUCCESS);
    const bool faulted = cudaDeviceSynchronize() == cudaErrorIllegalAddress;
    softgpu::reset();
    softgpu::set_engines({{.index = 0, .workspace = 256}}, {});
    return faulted;
  };
  CHECK(!faults(y.get() + 16, space));
  CHECK(faults(y.get() + 20, space));
  CHECK(faults(y.get(), workspace.get() + 1));
}
