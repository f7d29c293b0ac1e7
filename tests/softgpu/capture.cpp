// Stream capture and graphs: what is recorded runs again with the arguments it was recorded with.
#include <algorithm>
#include <utility>

#include "softgpu/machine.hpp"

namespace softgpu {
namespace {

thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

void end(const std::shared_ptr<Capture>& capture) {
  for (CUstream_st* stream : machine().streams) {
    if (stream->capture != capture) continue;
    stream->capture = nullptr;
    stream->tail.clear();
  }
  capture->origin = nullptr;  // events recorded in it are of no use from now on
  std::erase(machine().captures, capture);
}

/// Whether every operation leads to the end of the origin stream.
bool joined(const Capture& capture, const std::vector<long>& tail) {
  std::vector<bool> reached(capture.nodes.size());
  std::vector<long> open = tail;
  while (!open.empty()) {
    const auto node = static_cast<std::size_t>(open.back());
    open.pop_back();
    if (reached[node]) continue;
    reached[node] = true;
    const std::vector<long>& after = capture.nodes[node].after;
    open.insert(open.end(), after.begin(), after.end());
  }
  return std::find(reached.begin(), reached.end(), false) == reached.end();
}

/// Queues the operations of a graph; between them only the graph's own edges hold.
cudaError_t launch_graph(CUgraphExec_st& graph, cudaStream_t handle) {
  // One operation before and one behind them all keep the stream's order.
  if (const cudaError_t e = enqueue(handle, {.what = "cudaGraphLaunch", .after = {graph.last}})) {
    return e;
  }
  Machine& m = machine();
  CUstream_st* stream = find_stream(handle);
  const long first = stream->last;
  std::vector<long> ids;
  Operation behind{.what = "cudaGraphLaunch"};
  for (const Operation& node : graph.nodes) {
    Operation operation = node;
    operation.after = {first};
    for (const long earlier : node.after) {
      operation.after.push_back(ids[static_cast<std::size_t>(earlier)]);
    }
    const long id = m.next_operation++;
    ids.push_back(id);
    behind.after.push_back(id);
    note_operation(id, operation);
    m.pending.emplace(id, std::move(operation));
  }
  const cudaError_t error = enqueue(handle, std::move(behind));
  graph.last = stream->last;
  return error;
}

}  // namespace

cudaError_t spoil(Capture& capture, cudaError_t error) {
  capture.valid = false;
  return fail(error);
}

cudaError_t unsafe_call() {
  if (thread_mode == cudaStreamCaptureModeRelaxed) return cudaSuccess;
  for (const auto& capture : machine().captures) {
    const bool mine = capture->thread == std::this_thread::get_id();
    const bool forbids = mine ? capture->mode != cudaStreamCaptureModeRelaxed
                              : capture->mode == cudaStreamCaptureModeGlobal &&
                                    thread_mode == cudaStreamCaptureModeGlobal;
    if (forbids) return spoil(*capture, cudaErrorStreamCaptureUnsupported);
  }
  return cudaSuccess;
}

}  // namespace softgpu

using softgpu::alive;
using softgpu::born;
using softgpu::Call;
using softgpu::Capture;
using softgpu::fail;
using softgpu::find_stream;
using softgpu::machine;
using softgpu::spoil;

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorInvalidValue)) return e;
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr) return fail(cudaErrorInvalidResourceHandle);
  if (stream == machine().null_stream) return fail(cudaErrorStreamCaptureUnsupported);
  if (stream->capture != nullptr) return fail(cudaErrorIllegalState);
  stream->capture = std::make_shared<Capture>();
  stream->capture->origin = stream;
  stream->capture->mode = mode;
  stream->capture->thread = std::this_thread::get_id();
  stream->capture->id = machine().next_capture++;
  stream->tail.clear();
  machine().captures.push_back(stream->capture);
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  const Call call(__func__);
  if (graph != nullptr) *graph = nullptr;
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr) return fail(cudaErrorInvalidResourceHandle);
  if (stream->capture == nullptr) return fail(cudaErrorIllegalState);
  const std::shared_ptr<Capture> capture = stream->capture;
  if (capture->mode != cudaStreamCaptureModeRelaxed &&
      capture->thread != std::this_thread::get_id()) {
    return spoil(*capture, cudaErrorStreamCaptureWrongThread);
  }
  if (capture->origin != stream) return spoil(*capture, cudaErrorStreamCaptureUnmatched);
  const bool whole = softgpu::joined(*capture, stream->tail);
  softgpu::end(capture);  // whatever follows, the streams are free again
  if (graph == nullptr) return fail(cudaErrorInvalidValue);
  if (call.injected()) return fail(cudaErrorLaunchFailure);
  if (machine().fault != cudaSuccess) return fail(machine().fault);
  if (!capture->valid) return fail(cudaErrorStreamCaptureInvalidated);
  if (!whole) return fail(cudaErrorStreamCaptureUnjoined);
  *graph = new CUgraph_st{std::move(capture->nodes)};
  born(*graph, "graph");
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorInvalidValue)) return e;
  const CUstream_st* stream = find_stream(handle);
  if (stream == nullptr) return fail(cudaErrorInvalidResourceHandle);
  if (status == nullptr) return fail(cudaErrorInvalidValue);
  *status = stream->capture == nullptr ? cudaStreamCaptureStatusNone
            : stream->capture->valid   ? cudaStreamCaptureStatusActive
                                       : cudaStreamCaptureStatusInvalidated;
  return cudaSuccess;
}

#if CUDART_VERSION >= 13000
cudaError_t cudaStreamGetCaptureInfo(cudaStream_t handle, cudaStreamCaptureStatus* status,
                                     unsigned long long* id, cudaGraph_t* graph,
                                     const cudaGraphNode_t** dependencies,
                                     const cudaGraphEdgeData** edges, size_t* count) {
#else
cudaError_t cudaStreamGetCaptureInfo_v2(cudaStream_t handle, cudaStreamCaptureStatus* status,
                                        unsigned long long* id, cudaGraph_t* graph,
                                        const cudaGraphNode_t** dependencies, size_t* count) {
  const void* edges = nullptr;
#endif
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorInvalidValue)) return e;
  const CUstream_st* stream = find_stream(handle);
  if (stream == nullptr) return fail(cudaErrorInvalidResourceHandle);
  // Nodes are not handles here: only the status and the identifier can be asked for.
  if (status == nullptr || graph != nullptr || dependencies != nullptr || edges != nullptr ||
      count != nullptr) {
    return fail(cudaErrorInvalidValue);
  }
  *status = stream->capture == nullptr ? cudaStreamCaptureStatusNone
            : stream->capture->valid   ? cudaStreamCaptureStatusActive
                                       : cudaStreamCaptureStatusInvalidated;
  if (id != nullptr) *id = stream->capture == nullptr ? 0 : stream->capture->id;
  return cudaSuccess;
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorInvalidValue)) return e;
  if (mode == nullptr) return fail(cudaErrorInvalidValue);
  std::swap(*mode, softgpu::thread_mode);
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* result, cudaGraph_t graph, unsigned long long) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorMemoryAllocation)) return e;
  if (result == nullptr || !alive(graph, "graph")) return fail(cudaErrorInvalidValue);
  *result = new CUgraphExec_st{graph->nodes};
  born(*result, "executable graph");
  return cudaSuccess;
}

cudaError_t cudaGraphExecUpdate(cudaGraphExec_t exec, cudaGraph_t graph,
                                cudaGraphExecUpdateResultInfo* info) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorGraphExecUpdateFailure)) return e;
  if (info == nullptr || !alive(exec, "executable graph") || !alive(graph, "graph")) {
    return fail(cudaErrorInvalidValue);
  }
  const auto same = [](const softgpu::Operation& a, const softgpu::Operation& b) {
    return std::string(a.what) == b.what && a.after == b.after;
  };
  *info = {};
  if (!std::equal(exec->nodes.begin(), exec->nodes.end(), graph->nodes.begin(), graph->nodes.end(),
                  same)) {
    info->result = cudaGraphExecUpdateErrorTopologyChanged;
    return fail(cudaErrorGraphExecUpdateFailure);
  }
  exec->nodes = graph->nodes;
  info->result = cudaGraphExecUpdateSuccess;
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t handle) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorLaunchFailure)) return e;
  if (!alive(exec, "executable graph")) return fail(cudaErrorInvalidValue);
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr) return fail(cudaErrorInvalidResourceHandle);
  if (stream->capture != nullptr) {
    return spoil(*stream->capture, cudaErrorStreamCaptureUnsupported);
  }
  return softgpu::launch_graph(*exec, handle);
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* count) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorInvalidValue)) return e;
  // Nodes are not handles here: only their number can be asked for.
  if (count == nullptr || nodes != nullptr || !alive(graph, "graph")) {
    return fail(cudaErrorInvalidValue);
  }
  *count = graph->nodes.size();
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  const Call call(__func__);
  if (!softgpu::died(graph, "graph")) return fail(cudaErrorInvalidValue);
  graph->nodes.clear();
  softgpu::bury(graph);
  return call.released();
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  const Call call(__func__);
  if (!softgpu::died(exec, "executable graph")) return fail(cudaErrorInvalidValue);
  exec->nodes.clear();
  softgpu::bury(exec);
  return call.released();
}
