// What the machine has, and the names of errors.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>

#include "softgpu/machine.hpp"

namespace {

using softgpu::Call;
using softgpu::Devices;
using softgpu::fail;
using softgpu::machine;

thread_local int current_device = 0;

struct ErrorText {
  cudaError_t code;
  const char* name;
  const char* text;
};

#define AFTERGLOW_ERROR(code, text) \
  { code, #code, text }
constexpr ErrorText kErrors[] = {
    AFTERGLOW_ERROR(cudaSuccess, "no error"),
    AFTERGLOW_ERROR(cudaErrorInvalidValue, "invalid argument"),
    AFTERGLOW_ERROR(cudaErrorMemoryAllocation, "out of memory"),
    AFTERGLOW_ERROR(cudaErrorInsufficientDriver,
                    "CUDA driver version is insufficient for CUDA runtime version"),
    AFTERGLOW_ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    AFTERGLOW_ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
    AFTERGLOW_ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    AFTERGLOW_ERROR(cudaErrorIllegalState,
                    "the operation cannot be performed in the present state"),
    AFTERGLOW_ERROR(cudaErrorDevicesUnavailable,
                    "CUDA-capable device(s) is/are busy or unavailable"),
    AFTERGLOW_ERROR(cudaErrorNotReady, "device not ready"),
    AFTERGLOW_ERROR(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    AFTERGLOW_ERROR(cudaErrorLaunchOutOfResources, "too many resources requested for launch"),
    AFTERGLOW_ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
    AFTERGLOW_ERROR(cudaErrorNotSupported, "operation not supported"),
    AFTERGLOW_ERROR(cudaErrorStreamCaptureUnsupported,
                    "operation not permitted when stream is capturing"),
    AFTERGLOW_ERROR(cudaErrorStreamCaptureInvalidated,
                    "operation failed due to a previous error during capture"),
    AFTERGLOW_ERROR(cudaErrorStreamCaptureMerge,
                    "operation would result in a merge of separate capture sequences"),
    AFTERGLOW_ERROR(cudaErrorStreamCaptureUnmatched, "capture was not ended in the same stream"),
    AFTERGLOW_ERROR(cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work"),
    AFTERGLOW_ERROR(cudaErrorStreamCaptureIsolation,
                    "dependency created on uncaptured work in another stream"),
    AFTERGLOW_ERROR(cudaErrorStreamCaptureImplicit,
                    "operation would make the legacy stream depend on a capturing stream"),
    AFTERGLOW_ERROR(cudaErrorCapturedEvent,
                    "operation not permitted on an event last recorded in a capturing stream"),
    AFTERGLOW_ERROR(cudaErrorStreamCaptureWrongThread,
                    "attempt to terminate a thread-local capture sequence from another thread"),
    AFTERGLOW_ERROR(cudaErrorGraphExecUpdateFailure, "the graph update was not performed"),
};
#undef AFTERGLOW_ERROR

const ErrorText* find_error(cudaError_t code) {
  const auto* found = std::find_if(std::begin(kErrors), std::end(kErrors),
                                   [&](const ErrorText& e) { return e.code == code; });
  return found == std::end(kErrors) ? nullptr : found;
}

/// The device's number is looked at before anything is said about it.
cudaError_t ask(const Call& call, const void* result, int device) {
  if (const cudaError_t e = call.refused(cudaErrorInvalidValue)) return e;
  if (result == nullptr) return fail(cudaErrorInvalidValue);
  if (device < 0 || device >= machine().devices.count) return fail(cudaErrorInvalidDevice);
  return cudaSuccess;
}

}  // namespace

cudaError_t cudaGetDeviceCount(int* count) {
  const Call call(__func__);
  // Without a driver, or a device, the count is left as it is.
  if (const cudaError_t e = call.refused(cudaErrorNoDevice)) return e;
  if (count == nullptr) return fail(cudaErrorInvalidValue);
  *count = machine().devices.count;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  const Call call(__func__);
  if (const cudaError_t e = ask(call, &device, device)) return e;
  if (machine().devices.busy) return fail(cudaErrorDevicesUnavailable);  // no context to be had
  current_device = device;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  const Call call(__func__);
  if (const cudaError_t e = ask(call, device, 0)) return e;
  *device = current_device;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  const Call call(__func__);
  if (const cudaError_t e = ask(call, properties, device)) return e;
  const Devices& devices = machine().devices;
  std::memset(properties, 0, sizeof *properties);
  std::snprintf(properties->name, sizeof properties->name, "Software GPU %d", device);
  properties->totalGlobalMem = devices.memory;
  properties->sharedMemPerBlock = 48 << 10;
  properties->regsPerBlock = 65536;
  properties->warpSize = 32;
  properties->maxThreadsPerBlock = 1024;
  properties->maxThreadsDim[0] = properties->maxThreadsDim[1] = 1024;
  properties->maxThreadsDim[2] = 64;
  properties->maxGridSize[0] = 2147483647;
  properties->maxGridSize[1] = properties->maxGridSize[2] = 65535;
  properties->major = devices.major;
  properties->minor = devices.minor;
  properties->multiProcessorCount = 4;
  properties->concurrentKernels = 1;
  properties->unifiedAddressing = 1;
  properties->l2CacheSize = 1 << 20;
  properties->maxThreadsPerMultiProcessor = 2048;
  properties->pciBusID = device + 1;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  const Call call(__func__);
  if (const cudaError_t e = ask(call, value, device)) return e;
  const Devices& devices = machine().devices;
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor:
      *value = devices.major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = devices.minor;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = 4;
      break;
    case cudaDevAttrMaxThreadsPerBlock:
      *value = 1024;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = 2048;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = 48 << 10;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = 227 << 10;
      break;
    case cudaDevAttrWarpSize:
      *value = 32;
      break;
    case cudaDevAttrL2CacheSize:
      *value = 1 << 20;
      break;
    case cudaDevAttrClockRate:
      *value = 1000000;
      break;
    case cudaDevAttrMemoryClockRate:
      *value = 1000000;
      break;
    case cudaDevAttrGlobalMemoryBusWidth:
      *value = 1024;
      break;
    case cudaDevAttrMemoryPoolsSupported:
      *value = 0;
      break;
    default:
      return fail(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char* text, int length, int device) {
  const Call call(__func__);
  if (const cudaError_t e = ask(call, text, device)) return e;
  if (length < 13) return fail(cudaErrorInvalidValue);
  std::snprintf(text, static_cast<std::size_t>(length), "0000:%02x:00.0", (device + 1) & 0xff);
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  const Call call(__func__);
  if (call.injected() || version == nullptr) return fail(cudaErrorInvalidValue);
  *version = machine().devices.driver ? machine().devices.driver_version : 0;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  const Call call(__func__);
  if (call.injected() || version == nullptr) return fail(cudaErrorInvalidValue);
  *version = CUDART_VERSION;
  return cudaSuccess;
}

const char* cudaGetErrorName(cudaError_t error) {
  const ErrorText* found = find_error(error);
  return found == nullptr ? "an error without a name here" : found->name;
}

const char* cudaGetErrorString(cudaError_t error) {
  const ErrorText* found = find_error(error);
  return found == nullptr ? "an error without a text here" : found->text;
}
