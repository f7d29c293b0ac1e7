// Streams and events: operations form a graph, and run in an order that it allows, late.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <set>
#include <utility>

#include "softgpu/machine.hpp"

namespace softgpu {
namespace {

bool is_pending(long id) { return machine().pending.contains(id); }

/// What must run before `target`, itself included; 0: everything that is queued.
std::set<long> needed_for(long target) {
  std::set<long> needed;
  if (target == 0) {
    for (const auto& [id, operation] : machine().pending) needed.insert(id);
    return needed;
  }
  std::vector<long> open{target};
  while (!open.empty()) {
    const long id = open.back();
    open.pop_back();
    if (!is_pending(id) || !needed.insert(id).second) continue;
    for (const long earlier : machine().pending.at(id).after) open.push_back(earlier);
  }
  return needed;
}

/// The operations to run until `target` is done, in the schedule's order.
std::vector<long> plan_for(long target) {
  Machine& m = machine();
  const std::set<long> needed = needed_for(target);
  if (m.schedule == Schedule::kLazy || m.schedule == Schedule::kEager) {
    return {needed.begin(), needed.end()};  // the order of issue
  }
  std::map<long, int> waits_for;
  std::map<long, std::vector<long>> followers;
  std::set<long> ready;
  for (const auto& [id, operation] : m.pending) {
    int count = 0;
    for (const long earlier : operation.after) {
      if (!is_pending(earlier)) continue;
      followers[earlier].push_back(id);
      ++count;
    }
    waits_for[id] = count;
    if (count == 0) ready.insert(id);
  }
  std::vector<long> plan;
  while (!ready.empty() && (target == 0 || plan.empty() || plan.back() != target)) {
    auto next = std::prev(ready.end());
    if (m.schedule == Schedule::kShuffled) {
      next = std::next(ready.begin(), static_cast<std::ptrdiff_t>(m.random() % ready.size()));
    } else {
      // The newest that nobody asked for, else the newest.
      const auto other =
          std::find_if(ready.rbegin(), ready.rend(), [&](long id) { return !needed.contains(id); });
      if (other != ready.rend()) next = std::prev(other.base());
    }
    const long id = *next;
    ready.erase(next);
    plan.push_back(id);
    for (const long later : followers[id]) {
      if (--waits_for[later] == 0) ready.insert(later);
    }
  }
  return plan;
}

void run(long id) {
  Machine& m = machine();
  const Operation operation = std::move(m.pending.at(id));
  m.pending.erase(id);
  if (m.fault != cudaSuccess) return;  // a dead context runs nothing
  m.microseconds += operation.microseconds;
  try {
    const OpenMemory open(operation);
    m.running = operation.what;
    if (operation.work) {
      try {
        operation.work();
      } catch (const std::exception& e) {
        set_fault(cudaErrorLaunchFailure, std::string(operation.what) + ": " + e.what());
      }
    }
    m.running = nullptr;
  } catch (const std::exception& e) {
    set_fault(cudaErrorIllegalAddress, e.what());
  }
}

/// Moves the machine one operation on, so that a host that polls gets there.
void step_towards(long target) {
  const std::vector<long> plan = plan_for(target);
  if (!plan.empty()) run(plan.front());
  close_memory();
}

/// The event and its stream, or what the call must return.
bool live_event(cudaEvent_t event) { return alive(event, "event"); }

}  // namespace

CUstream_st* find_stream(cudaStream_t stream) {
  if (stream == nullptr || stream == cudaStreamLegacy) return machine().null_stream;
  return alive(stream, "stream") ? stream : nullptr;
}

cudaError_t enqueue(cudaStream_t handle, Operation operation) {
  Machine& m = machine();
  if (m.fault != cudaSuccess) return fail(m.fault);
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr) return fail(cudaErrorInvalidResourceHandle);
  if (stream->capture != nullptr) {
    Capture& capture = *stream->capture;
    if (!capture.valid) return fail(cudaErrorStreamCaptureInvalidated);
    operation.after = stream->tail;
    stream->tail = {static_cast<long>(capture.nodes.size())};
    capture.nodes.push_back(std::move(operation));
    return cudaSuccess;
  }
  operation.after.push_back(stream->last);
  for (const CUstream_st* other : m.streams) {
    if (stream == m.null_stream && other->blocking) {
      if (other->capture != nullptr) return spoil(*other->capture, cudaErrorStreamCaptureImplicit);
      operation.after.push_back(other->last);
    }
  }
  if (stream->blocking) operation.after.push_back(m.null_stream->last);
  const long id = m.next_operation++;
  stream->last = id;
  note_operation(id, operation);
  m.pending.emplace(id, std::move(operation));
  if (m.schedule == Schedule::kEager) wait_for(id);
  return cudaSuccess;
}

void wait_for(long target) {
  if (target != 0 && !is_pending(target)) return;
  for (const long id : plan_for(target)) run(id);
  close_memory();
}

void launch(CUstream_st* stream, std::vector<Access> access, bool everything,
            std::function<void()> run) {
  const Call call("kernel launch");
  if (call.refused(cudaErrorLaunchOutOfResources) != cudaSuccess) return;
  static_cast<void>(enqueue(stream, {.what = "a kernel",
                                     .access = std::move(access),
                                     .everything = everything,
                                     .work = std::move(run)}));
}

}  // namespace softgpu

using softgpu::alive;
using softgpu::born;
using softgpu::Call;
using softgpu::enqueue;
using softgpu::fail;
using softgpu::find_stream;
using softgpu::host_waited;
using softgpu::live_event;
using softgpu::machine;
using softgpu::spoil;
using softgpu::unsafe_call;
using softgpu::wait_for;

namespace {

cudaError_t create_stream(const Call& call, cudaStream_t* result, unsigned flags) {
  if (const cudaError_t e = call.refused(cudaErrorMemoryAllocation)) return e;
  if (result == nullptr || (flags & ~unsigned{cudaStreamNonBlocking}) != 0) {
    return fail(cudaErrorInvalidValue);
  }
  auto* stream = new CUstream_st;
  stream->flags = flags;
  stream->blocking = (flags & cudaStreamNonBlocking) == 0;
  machine().streams.push_back(stream);
  born(stream, "stream");
  *result = stream;
  return cudaSuccess;
}

cudaError_t create_event(const Call& call, cudaEvent_t* result, unsigned flags) {
  if (const cudaError_t e = call.refused(cudaErrorMemoryAllocation)) return e;
  if (result == nullptr) return fail(cudaErrorInvalidValue);
  auto* event = new CUevent_st;
  event->timing = (flags & cudaEventDisableTiming) == 0;
  born(event, "event");
  *result = event;
  return cudaSuccess;
}

}  // namespace

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return create_stream(Call(__func__), stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return create_stream(Call(__func__), stream, flags);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
  return create_stream(Call(__func__), stream, flags);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Call call(__func__);
  if (!softgpu::died(stream, "stream")) return fail(cudaErrorInvalidResourceHandle);
  // Its work still runs, later. A capture it belongs to can never be ended well.
  if (stream->capture != nullptr) {
    stream->capture->valid = false;
    if (stream->capture->origin == stream) stream->capture->origin = nullptr;
  }
  std::erase(machine().streams, stream);
  softgpu::bury(stream);
  return call.released();
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorLaunchFailure)) return e;
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr) return fail(cudaErrorInvalidResourceHandle);
  if (stream->capture != nullptr) {
    return spoil(*stream->capture, cudaErrorStreamCaptureUnsupported);
  }
  if (const cudaError_t e = unsafe_call()) return e;
  if (stream == machine().null_stream) {  // which stands for every blocking stream
    if (const cudaError_t e = enqueue(handle, {.what = __func__})) return e;
  }
  wait_for(stream->last);
  host_waited(stream->last);
  return fail(machine().fault);
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorLaunchFailure)) return e;
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr) return fail(cudaErrorInvalidResourceHandle);
  if (stream->capture != nullptr) {
    return spoil(*stream->capture, cudaErrorStreamCaptureUnsupported);
  }
  if (const cudaError_t e = unsafe_call()) return e;
  if (softgpu::is_pending(stream->last)) {
    softgpu::step_towards(stream->last);
    return cudaErrorNotReady;  // not an error: cudaGetLastError does not see it
  }
  host_waited(stream->last);
  return fail(machine().fault);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorInvalidResourceHandle)) return e;
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr || !live_event(event)) return fail(cudaErrorInvalidResourceHandle);
  if (event->capture != nullptr) {
    // A fork into the stream, or a join back.
    if (event->capture->origin == nullptr) return fail(cudaErrorCapturedEvent);
    if (stream->capture != nullptr && stream->capture != event->capture) {
      event->capture->valid = false;
      return spoil(*stream->capture, cudaErrorStreamCaptureMerge);
    }
    stream->capture = event->capture;
    stream->tail.insert(stream->tail.end(), event->tail.begin(), event->tail.end());
    return cudaSuccess;
  }
  if (event->operation == 0) return cudaSuccess;
  if (stream->capture != nullptr) {
    return spoil(*stream->capture, cudaErrorStreamCaptureIsolation);
  }
  return enqueue(handle, {.what = __func__, .after = {event->operation}});
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return create_event(Call(__func__), event, cudaEventDefault);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return create_event(Call(__func__), event, flags);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const Call call(__func__);
  if (!softgpu::died(event, "event")) return fail(cudaErrorInvalidResourceHandle);
  softgpu::bury(event);
  return call.released();
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorInvalidResourceHandle)) return e;
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr || !live_event(event)) return fail(cudaErrorInvalidResourceHandle);
  event->capture = stream->capture;
  event->tail = stream->tail;
  if (stream->capture != nullptr) {
    return stream->capture->valid ? cudaSuccess : fail(cudaErrorStreamCaptureInvalidated);
  }
  event->when = std::make_shared<double>(0);
  const auto stamp = [when = event->when] { *when = machine().microseconds; };
  const cudaError_t error = enqueue(handle, {.what = __func__, .work = stamp, .microseconds = 0});
  event->operation = stream->last;
  return error;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorLaunchFailure)) return e;
  if (!live_event(event)) return fail(cudaErrorInvalidResourceHandle);
  if (event->capture != nullptr) return spoil(*event->capture, cudaErrorCapturedEvent);
  if (const cudaError_t e = unsafe_call()) return e;
  wait_for(event->operation == 0 ? -1 : event->operation);
  host_waited(event->operation);
  return fail(machine().fault);
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorLaunchFailure)) return e;
  if (!live_event(event)) return fail(cudaErrorInvalidResourceHandle);
  if (event->capture != nullptr) return spoil(*event->capture, cudaErrorCapturedEvent);
  if (const cudaError_t e = unsafe_call()) return e;
  if (softgpu::is_pending(event->operation)) {
    softgpu::step_towards(event->operation);
    return cudaErrorNotReady;
  }
  host_waited(event->operation);
  return fail(machine().fault);
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorLaunchFailure)) return e;
  if (milliseconds == nullptr) return fail(cudaErrorInvalidValue);
  for (const cudaEvent_t event : {start, end}) {
    if (!live_event(event) || !event->timing || event->operation == 0) {
      return fail(cudaErrorInvalidResourceHandle);
    }
    if (softgpu::is_pending(event->operation)) return cudaErrorNotReady;
  }
  *milliseconds = static_cast<float>((*end->when - *start->when) / 1000);
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorLaunchFailure)) return e;
  if (!machine().captures.empty()) {
    return spoil(*machine().captures.front(), cudaErrorStreamCaptureUnsupported);
  }
  wait_for(0);
  host_waited(0);
  return fail(machine().fault);
}
