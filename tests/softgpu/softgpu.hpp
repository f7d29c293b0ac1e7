// A GPU in software: what a test says to the library that stands in, at link time, for libcudart,
// libcublas and libcudnn. No CUDA header is needed here.
//
// Its device memory lies in pages that host code may not touch; work queued on a stream runs only
// when something waits for it; whatever the documentation forbids is refused. So a missing
// synchronisation, a host dereference of device memory, a missing event or an illegal call during
// stream capture fails a test without any card.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace softgpu {

/// Which queued work runs when something waits.
enum class Schedule {
  kLazy,      // what is waited for, and nothing else
  kRush,      // everything else first, the newest before the oldest
  kShuffled,  // any order that streams and events allow, by a seed
  kEager,     // all work at once as it is queued: the host comes too late for everything
};

/// What the machine has. Takes effect with the next call of the runtime.
struct Devices {
  bool driver = true;  // without one every call says cudaErrorInsufficientDriver
  int count = 1;
  int major = 9;  // compute capability
  int minor = 0;
  int driver_version = 13000;
  bool busy = false;              // in exclusive use by another process
  std::size_t cudnn_version = 0;  // as cudnnGetVersion counts; 0: that of its header
  int cudnn_cuda_version = 0;     // of the CUDA that cuDNN is for; 0: that of its header
  std::size_t memory = std::size_t{4} << 30;  // bytes; what is above is out of memory
};

/// One engine that cuDNN's heuristics offer.
struct Engine {
  long long index = 0;
  long long workspace = 0;  // bytes
  /// What one execution takes for events, whose clock is the machine's own: every other operation
  /// takes 1, so that what is measured is the same every time.
  double microseconds = 10;
  /// Products of float32 are then made of TF32 (10 bits of mantissa), as on a card.
  bool tensor_core = false;
  /// Results then differ in their last bit from call to call.
  bool nondeterministic = false;
  bool runtime_compiled = false;  // a behaviour note only
  bool reduced_sums = false;      // a numerical note only: sums in less than float32
  bool executes = true;           // else plans of it finalize, and fail when they are executed
  bool supported = true;          // else plans of it do not finalize
};

/// Back to the state of a new process, but for what the host still holds: queued work, faults,
/// counts, schedule (kLazy, or what SOFTGPU_SCHEDULE in the environment says: "lazy", "rush",
/// "eager"), devices and engines.
void reset();
/// Makes a segmentation fault say whose memory was touched by whom before it takes its course.
/// Allocations do it by themselves; for those who took the signal's handler since.
void explain_faults();
/// Chooses the order of queued work, until reset().
void set_schedule(Schedule schedule, unsigned seed = 0);
/// Sets what the machine has.
void set_devices(const Devices& devices);
/// Sets the engines that heuristic modes A, B and INSTANT offer, and those of mode FALLBACK.
void set_engines(std::vector<Engine> engines, std::vector<Engine> fallback);
/// The engines that are offered by default: with and without tensor cores, one that is not
/// deterministic, one whose plans do not finalize.
std::vector<Engine> default_engines();
std::vector<Engine> default_fallback_engines();

/// Makes the n-th call from now on fail (1: the next; 0: none), of whichever library, kernel
/// launches included. What gives something back does so and reports the failure all the same.
void fail_call(long n);
/// The name of the call that was made to fail, or nothing if there were not so many.
std::string failed_call();
/// How often a function was called since reset(), "kernel launch" among them.
long calls(const std::string& function);
/// Every allocation, handle, descriptor and unfinished capture that was not given back.
std::vector<std::string> live();
/// How many allocations were written outside their bounds; stderr names the operation.
long broken_guards();
/// How often the host waited without saying so: cudaFree with work queued, copies to pageable
/// memory.
long implicit_syncs();
/// What made the device unusable (an illegal address, a kernel that broke a rule), or nothing.
std::string fault();
/// Pairs of operations that touch the same memory, one of them writing, and that neither streams,
/// events nor waits put in an order, since reset().
std::vector<std::string> races();

}  // namespace softgpu
