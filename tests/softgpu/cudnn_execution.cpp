// Checks the pointers that a plan is given and puts its work on a stream.
#include <cstring>
#include <utility>

#include "softgpu/cudnn_descriptors.hpp"
#include "softgpu/machine.hpp"

namespace softgpu::cudnn {
namespace {

/// The memory that each tensor of the program needs, checked as far as the host can.
std::vector<Access> access_of(const std::vector<Step>& program, const Pointers& pointers) {
  std::map<std::int64_t, Access> by_uid;
  for (const Step& step : program) {
    for (const Tensor* tensor : {&step.first, &step.second, &step.result}) {
      if (!tensor->exists() || tensor->is_virtual) continue;
      const auto found = pointers.find(tensor->uid);
      demand(found != pointers.end(), "no pointer for one of the plan's uids");
      const auto address = reinterpret_cast<std::uintptr_t>(found->second);
      demand(address % static_cast<std::uintptr_t>(tensor->alignment) == 0,
             "a pointer is less aligned than its tensor says",
             CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
      Access& access = by_uid[tensor->uid];
      access.at = found->second;
      access.bytes = static_cast<std::size_t>(tensor->bytes());
      access.write = access.write || tensor == &step.result;
    }
  }
  demand(by_uid.size() == pointers.size(), "a pointer for a uid that the plan does not have");
  std::vector<Access> result;
  for (const auto& [uid, access] : by_uid) result.push_back(access);
  return result;
}

}  // namespace

void execute(cudaStream_t stream, const Child& plan, const Child& pack) {
  demand(plan->kind == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR &&
             pack->kind == CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR,
         "not a plan and a variant pack", CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
  demand(plan->finalized && pack->finalized, "a plan or a variant pack that is not finalized",
         CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED);
  demand(engine_of(*plan).executes, "the engine cannot be executed",
         CUDNN_STATUS_EXECUTION_FAILED_CUDART);
  const Dims uids = pack->integers(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const Dims addresses = pack->integers(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  Pointers pointers;
  for (std::size_t i = 0; i < uids.size(); ++i) {
    pointers[uids[i]] = reinterpret_cast<unsigned char*>(addresses[i]);
  }
  Operation operation{.what = "cudnnBackendExecute"};
  operation.access = access_of(program_of(*plan), pointers);
  const auto bytes = static_cast<std::size_t>(engine_of(*plan).workspace);
  auto* workspace =
      reinterpret_cast<unsigned char*>(pack->integer(CUDNN_ATTR_VARIANT_PACK_WORKSPACE));
  if (bytes > 0) {
    demand(workspace != nullptr, "the plan needs a workspace");
    operation.access.push_back({workspace, bytes, true});
  }
  operation.microseconds = engine_of(*plan).microseconds;
  // The plan is kept: descriptors may be destroyed while the work is queued or recorded.
  operation.work = [plan, pointers, workspace, bytes] {
    if (bytes > 0) std::memset(workspace, 0xff, bytes);  // nothing lives in it between calls
    interpret(program_of(*plan), engine_of(*plan), pointers);
  };
  demand(enqueue(stream, std::move(operation)) == cudaSuccess, "the work was not queued",
         CUDNN_STATUS_EXECUTION_FAILED_CUDART);
}

}  // namespace softgpu::cudnn
