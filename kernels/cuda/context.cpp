#include "kernels/cuda/context.hpp"

#include <cstdio>
#include <utility>

namespace afterglow::cuda {
namespace {

constexpr int kOldestMajor = 8;  // compute capability that the kernels are built for

cudaDeviceProp properties_of(int device) {
  cudaDeviceProp properties{};
  AFTERGLOW_CUDA(cudaGetDeviceProperties(&properties, device));
  return properties;
}

int usable(int device) {
  const std::string problem = problem_of(properties_of(device));
  if (!problem.empty()) throw Unsupported(problem);
  AFTERGLOW_CUDA(cudaSetDevice(device));
  return device;
}

}  // namespace

Context::Context(int device)
    : device_(usable(device)),
      description_(describe(properties_of(device))),
      stream_(make_stream()),
      cudnn_(make_cudnn()),
      cudnn_device_(device_properties(cudnn_.get())),
      arena_(std::make_shared<Arena>(device, ArenaUse::kEagerWork, meter_)) {
  AFTERGLOW_CUDA(cudnnSetStream(cudnn_.get(), stream_.get()));
}

Context::~Context() {
  (void)dismissed(cudaSetDevice(device_));
  (void)dismissed(cudaStreamSynchronize(stream_.get()));
}

cudaStream_t Context::stream() const {
  AFTERGLOW_CUDA(cudaSetDevice(device_));
  return stream_.get();
}

bool Context::recovers() const {
  return dismissed(cudaStreamSynchronize(stream_.get())) == cudaSuccess;
}

Arena& Context::arena() const {
  return recording_thread_ == std::this_thread::get_id() ? *recording_into_ : *arena_;
}

std::shared_ptr<Arena> Context::arena_for_recordings() {
  std::shared_ptr<Arena> arena = for_recordings_.lock();
  if (!arena) {
    arena = std::make_shared<Arena>(device_, ArenaUse::kRecordings, meter_);
    for_recordings_ = arena;
  }
  return arena;
}

void Context::record_into(std::shared_ptr<Arena> arena) {
  const bool records = arena != nullptr;
  recording_into_ = std::move(arena);
  recording_thread_ = records ? std::this_thread::get_id() : std::thread::id{};
}

void check_launch(const char* what) {
  const cudaError_t status = cudaGetLastError();
  if (status == cudaSuccess) return;  // every launch asks: no text is made for it
  check(status, ("launch of " + std::string(what)).c_str(), __FILE__, __LINE__);
}

std::string describe(const cudaDeviceProp& properties) {
  char memory[32];
  std::snprintf(memory, sizeof memory, "%.1f GiB",
                static_cast<double>(properties.totalGlobalMem) / (1 << 30));
  return std::string(properties.name) + ", compute capability " + std::to_string(properties.major) +
         "." + std::to_string(properties.minor) + ", " + memory;
}

std::string problem_of(const cudaDeviceProp& properties) {
  if (properties.major >= kOldestMajor) return "";
  return "compute capability " + std::to_string(properties.major) + "." +
         std::to_string(properties.minor) + " is older than " + std::to_string(kOldestMajor) + ".0";
}

}  // namespace afterglow::cuda
