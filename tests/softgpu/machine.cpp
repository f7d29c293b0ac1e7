#include "softgpu/machine.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

namespace softgpu {
namespace {

thread_local cudaError_t last_error = cudaSuccess;

Schedule schedule_of_environment() {
  const char* set = std::getenv("SOFTGPU_SCHEDULE");
  const std::string name = set == nullptr ? "lazy" : set;
  if (name == "lazy") return Schedule::kLazy;
  if (name == "rush") return Schedule::kRush;
  if (name == "eager") return Schedule::kEager;
  std::fprintf(stderr, "SOFTGPU_SCHEDULE is %s, not lazy, rush or eager\n", set);
  std::abort();
}

}  // namespace

Machine& machine() {
  static Machine* const kMachine = [] {
    auto* made = new Machine;
    made->null_stream = new CUstream_st;
    made->null_stream->blocking = true;
    made->streams.push_back(made->null_stream);
    return made;
  }();
  return *kMachine;
}

Call::Call(const char* function) : lock_(machine().mutex), injected_(false) {
  Machine& m = machine();
  ++m.counts[function];
  ++m.calls_made;
  if (m.calls_made == m.fail_at) {
    m.failed_call = function;
    injected_ = true;
  }
}

cudaError_t Call::refused(cudaError_t injected_code) const {
  const Machine& m = machine();
  if (!m.devices.driver) return fail(cudaErrorInsufficientDriver);
  if (m.devices.count == 0) return fail(cudaErrorNoDevice);
  if (injected_) return fail(injected_code);
  return fail(m.fault);
}

cudaError_t Call::released(cudaError_t injected_code) const {
  return fail(injected_ ? injected_code : machine().fault);
}

cudaError_t fail(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

void set_fault(cudaError_t error, const std::string& text) {
  Machine& m = machine();
  std::fprintf(stderr, "softgpu: %s\n", text.c_str());
  if (m.fault != cudaSuccess) return;
  m.fault = error;
  m.fault_text = text;
}

void born(const void* handle, const char* kind) { machine().handles[handle] = kind; }

bool alive(const void* handle, const char* kind) {
  const auto found = machine().handles.find(handle);
  return found != machine().handles.end() && std::strcmp(found->second, kind) == 0;
}

bool died(const void* handle, const char* kind) {
  return alive(handle, kind) && machine().handles.erase(handle) == 1;
}

void reset() {
  const std::lock_guard lock(machine().mutex);
  Machine& m = machine();
  m.pending.clear();
  m.fault = cudaSuccess;
  m.fault_text.clear();
  last_error = cudaSuccess;
  m.counts.clear();
  m.fail_at = 0;
  m.failed_call.clear();
  m.broken_guards = 0;
  m.implicit_syncs = 0;
  m.schedule = schedule_of_environment();
  m.devices = Devices{};
  m.engines = default_engines();
  m.fallback_engines = default_fallback_engines();
  forget_races();
}

void set_schedule(Schedule schedule, unsigned seed) {
  const std::lock_guard lock(machine().mutex);
  machine().schedule = schedule;
  machine().random.seed(seed);
}

void set_devices(const Devices& devices) {
  const std::lock_guard lock(machine().mutex);
  machine().devices = devices;
}

void set_engines(std::vector<Engine> engines, std::vector<Engine> fallback) {
  const std::lock_guard lock(machine().mutex);
  machine().engines = std::move(engines);
  machine().fallback_engines = std::move(fallback);
}

std::vector<Engine> default_engines() {
  return {
      {.index = 17, .workspace = 4096, .microseconds = 10, .tensor_core = true},
      {.index = 3, .workspace = 512, .microseconds = 5, .nondeterministic = true},
      {.index = 29, .workspace = 1024, .microseconds = 5, .supported = false},
      // An index twice, as in the real library: other knobs of the same engine.
      {.index = 17, .microseconds = 20, .tensor_core = true, .runtime_compiled = true},
      // An odd size, so that rounding it is noticed as well as forgetting it. Slower than the next,
      // so that what is measured matters.
      {.index = 1, .workspace = 1333, .microseconds = 60},
      {.index = 0, .microseconds = 40},
  };
}

std::vector<Engine> default_fallback_engines() { return {{.index = 0, .microseconds = 40}}; }

void fail_call(long n) {
  const std::lock_guard lock(machine().mutex);
  machine().fail_at = n > 0 ? machine().calls_made + n : 0;
  machine().failed_call.clear();
}

std::string failed_call() {
  const std::lock_guard lock(machine().mutex);
  return machine().failed_call;
}

long calls(const std::string& function) {
  const std::lock_guard lock(machine().mutex);
  const auto found = machine().counts.find(function);
  return found == machine().counts.end() ? 0 : found->second;
}

std::vector<std::string> live() {
  const std::lock_guard lock(machine().mutex);
  std::vector<std::string> result;
  for (const auto& [at, block] : machine().blocks) {
    result.push_back(std::to_string(block.bytes) + " bytes of " +
                     (block.pinned ? "pinned" : "device") + " memory");
  }
  for (const auto& [handle, kind] : machine().handles) result.emplace_back(kind);
  for (const auto& capture : machine().captures) {
    result.push_back("capture of " + std::to_string(capture->nodes.size()) + " operations");
  }
  return result;
}

long broken_guards() {
  const std::lock_guard lock(machine().mutex);
  return machine().broken_guards;
}

long implicit_syncs() {
  const std::lock_guard lock(machine().mutex);
  return machine().implicit_syncs;
}

std::string fault() {
  const std::lock_guard lock(machine().mutex);
  return machine().fault_text;
}

}  // namespace softgpu

using softgpu::Call;
using softgpu::last_error;
using softgpu::machine;

cudaError_t cudaGetLastError() {
  const Call call(__func__);
  if (call.injected()) last_error = cudaErrorLaunchFailure;
  // A fault lasts: reading it does not clear it.
  return std::exchange(last_error, machine().fault);
}

cudaError_t cudaPeekAtLastError() {
  const Call call(__func__);
  if (call.injected()) last_error = cudaErrorLaunchFailure;
  return last_error;
}
