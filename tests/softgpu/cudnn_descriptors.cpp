// cuDNN's backend API: handles, descriptors and their attributes.
#include "softgpu/cudnn_descriptors.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "softgpu/machine.hpp"

namespace softgpu::cudnn {
namespace {

constexpr const char* kHandle = "cudnn handle";
constexpr const char* kDescriptor = "cudnn descriptor";

/// Parents keep their children: destroying a child first is legal.
std::map<const void*, Child>& descriptors() {
  static auto* const kDescriptors = new std::map<const void*, Child>;
  return *kDescriptors;
}

thread_local std::string last_error;

Child find(const void* descriptor) {
  const auto found = descriptors().find(descriptor);
  demand(found != descriptors().end(), "no such descriptor", CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  return found->second;
}

/// Runs the body of a call; refusals become its status.
template <typename Body>
cudnnStatus_t guarded(const char* function, Body body) {
  const Call call(function);
  if (call.injected()) {
    last_error = "softgpu: made to fail";
    return CUDNN_STATUS_INTERNAL_ERROR;
  }
  try {
    body();
    return CUDNN_STATUS_SUCCESS;
  } catch (const Refusal& refusal) {
    last_error = std::string("softgpu: ") + refusal.what();
    return refusal.status;
  }
}

/// The same for what gives something back: a call that is made to fail does so too.
template <typename Body>
cudnnStatus_t guarded_release(const char* function, Body body) {
  const Call call(function);
  try {
    body();
    return call.injected() ? CUDNN_STATUS_INTERNAL_ERROR : CUDNN_STATUS_SUCCESS;
  } catch (const Refusal& refusal) {
    last_error = std::string("softgpu: ") + refusal.what();
    return refusal.status;
  }
}

bool is_operation(Kind kind) {
  return kind == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR ||
         kind == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR ||
         kind == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR ||
         kind == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR;
}

bool is_real(Type type) { return type == CUDNN_TYPE_FLOAT || type == CUDNN_TYPE_DOUBLE; }

Child child_of(const AttributeRule& rule, const void* element) {
  void* handle = nullptr;
  std::memcpy(&handle, element, sizeof handle);
  const Child child = find(handle);
  if (rule.child == kAnyOperation) {
    demand(is_operation(child->kind), "not an operation");
    demand(child->finalized, "an operation that is not finalized",
           CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED);
  } else {
    demand(static_cast<int>(child->kind) == rule.child, "a descriptor of another kind",
           CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
  }
  return child;
}

Attribute read_attribute(const AttributeRule& rule, Type type, std::int64_t count,
                         const void* elements) {
  Attribute attribute;
  attribute.type = type;
  const auto* at = static_cast<const unsigned char*>(elements);
  for (std::int64_t i = 0; i < count; ++i, at += element_size(type)) {
    if (type == CUDNN_TYPE_FLOAT) {
      float value = 0;
      std::memcpy(&value, at, sizeof value);
      attribute.reals.push_back(double{value});
    } else if (type == CUDNN_TYPE_DOUBLE) {
      double value = 0;
      std::memcpy(&value, at, sizeof value);
      attribute.reals.push_back(value);
    } else if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
      attribute.children.push_back(child_of(rule, at));
    } else {
      std::int64_t value = 0;  // little-endian: narrower types fill its lower bytes
      std::memcpy(&value, at, element_size(type));
      attribute.integers.push_back(value);
    }
  }
  if (type == CUDNN_TYPE_HANDLE) {
    demand(alive(reinterpret_cast<void*>(attribute.integers.at(0)), kHandle), "no such handle",
           CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  }
  return attribute;
}

void set_attribute(void* handle, Name name, Type type, std::int64_t count, const void* elements) {
  const Child descriptor = find(handle);
  demand(!descriptor->finalized, "the descriptor is finalized already");
  const AttributeRule* rule = find_rule(descriptor->kind, name);
  demand(rule != nullptr, "an attribute that this kind of descriptor does not have");
  demand(type == rule->type || (is_real(type) && is_real(rule->type)), "the attribute's type",
         CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE);
  demand(count >= 1 && count <= rule->most, "the number of elements");
  demand(elements != nullptr, "no elements");
  descriptor->attributes[name] = read_attribute(*rule, type, count, elements);
}

/// The engine configurations that heuristics found, put into the caller's descriptors.
std::int64_t get_configurations(const Descriptor& heuristics, std::int64_t room, void* elements) {
  const auto mode = heuristics.integer(CUDNN_ATTR_ENGINEHEUR_MODE);
  const std::vector<Engine>& offered =
      mode == CUDNN_HEUR_MODE_FALLBACK ? machine().fallback_engines : machine().engines;
  const auto all = static_cast<std::int64_t>(offered.size());
  if (elements == nullptr || room < 1) return all;  // how many there are
  const std::int64_t count = std::min(room, all);
  for (std::int64_t i = 0; i < count; ++i) {
    const Child config = find(static_cast<void**>(elements)[i]);
    demand(config->kind == CUDNN_BACKEND_ENGINECFG_DESCRIPTOR && !config->finalized,
           "results go into fresh engine configurations", CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
    const auto engine = std::make_shared<Descriptor>();
    engine->kind = CUDNN_BACKEND_ENGINE_DESCRIPTOR;
    engine->engine = offered[static_cast<std::size_t>(i)];
    engine->attributes[CUDNN_ATTR_ENGINE_OPERATION_GRAPH] =
        heuristics.attributes.at(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    engine->attributes[CUDNN_ATTR_ENGINE_GLOBAL_INDEX].integers = {engine->engine.index};
    engine->finalized = true;
    config->attributes[CUDNN_ATTR_ENGINECFG_ENGINE] = {
        CUDNN_TYPE_BACKEND_DESCRIPTOR, {}, {}, {engine}};
    config->finalized = true;
  }
  return count;
}

/// A configuration's engine, put into the caller's descriptor: the way to an engine's notes.
std::int64_t get_engine(const Descriptor& config, std::int64_t room, void* elements) {
  if (elements == nullptr || room < 1) return 1;
  const Child target = find(*static_cast<void**>(elements));
  demand(target->kind == CUDNN_BACKEND_ENGINE_DESCRIPTOR && !target->finalized,
         "the engine goes into a fresh engine descriptor", CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
  const Child engine = config.child(CUDNN_ATTR_ENGINECFG_ENGINE);
  target->attributes = engine->attributes;
  target->engine = engine->engine;
  target->finalized = true;
  return 1;
}

/// What can be asked beside what was set: its type and values.
bool computed_attribute(const Descriptor& d, Name name, Type* type, Dims* values) {
  if (d.kind == CUDNN_BACKEND_ENGINE_DESCRIPTOR && name == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE) {
    *type = CUDNN_TYPE_NUMERICAL_NOTE;
    if (d.engine.tensor_core) values->push_back(CUDNN_NUMERICAL_NOTE_TENSOR_CORE);
    if (d.engine.nondeterministic) values->push_back(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC);
    if (d.engine.reduced_sums) {
      values->push_back(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION);
    }
    return true;
  }
  if (d.kind == CUDNN_BACKEND_ENGINE_DESCRIPTOR && name == CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE) {
    *type = CUDNN_TYPE_BEHAVIOR_NOTE;
    if (d.engine.runtime_compiled) values->push_back(CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION);
    return true;
  }
  if (d.kind == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR &&
      name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE) {
    *type = CUDNN_TYPE_INT64;
    values->push_back(engine_of(d).workspace);
    return true;
  }
  const auto found = d.attributes.find(name);
  if (found == d.attributes.end() || found->second.integers.empty()) return false;
  *type = find_rule(d.kind, name)->type;
  *values = found->second.integers;
  return true;
}

void get_attribute(void* handle, Name name, Type type, std::int64_t room, std::int64_t* count,
                   void* elements) {
  const Child descriptor = find(handle);
  demand(descriptor->finalized, "the descriptor is not finalized", CUDNN_STATUS_NOT_INITIALIZED);
  demand(count != nullptr, "nowhere to put the number of elements",
         CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  const bool results = name == CUDNN_ATTR_ENGINEHEUR_RESULTS &&
                       descriptor->kind == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR;
  const bool engine =
      name == CUDNN_ATTR_ENGINECFG_ENGINE && descriptor->kind == CUDNN_BACKEND_ENGINECFG_DESCRIPTOR;
  Type right = CUDNN_TYPE_BACKEND_DESCRIPTOR;
  Dims values;
  demand(results || engine || computed_attribute(*descriptor, name, &right, &values),
         "an attribute that cannot be read");
  demand(type == right, "the attribute's type", CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE);
  if (results) {
    *count = get_configurations(*descriptor, room, elements);
  } else if (engine) {
    *count = get_engine(*descriptor, room, elements);
  } else {
    *count = static_cast<std::int64_t>(values.size());
    for (std::int64_t i = 0; elements != nullptr && i < std::min(room, *count); ++i) {
      const std::size_t bytes = element_size(type);
      std::memcpy(static_cast<unsigned char*>(elements) + static_cast<std::size_t>(i) * bytes,
                  &values[static_cast<std::size_t>(i)], bytes);
    }
  }
}

}  // namespace

std::int64_t Tensor::bytes() const {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < dims.size(); ++i) last += (dims[i] - 1) * strides[i];
  return (last + 1) * element_bytes();
}

const Tensor& Step::x() const {
  return kind == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR ? result : first;
}

const Tensor& Step::w() const {
  return kind == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR ? result : second;
}

const Tensor& Step::y() const {
  switch (kind) {
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
      return first;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
      return second;
    default:
      return result;
  }
}

std::int64_t Descriptor::integer(Name name, std::int64_t otherwise) const {
  const auto found = attributes.find(name);
  return found == attributes.end() ? otherwise : found->second.integers.at(0);
}

double Descriptor::real(Name name, double otherwise) const {
  const auto found = attributes.find(name);
  return found == attributes.end() ? otherwise : found->second.reals.at(0);
}

Dims Descriptor::integers(Name name) const {
  const auto found = attributes.find(name);
  return found == attributes.end() ? Dims{} : found->second.integers;
}

Child Descriptor::child(Name name) const {
  const auto found = attributes.find(name);
  return found == attributes.end() ? nullptr : found->second.children.at(0);
}

}  // namespace softgpu::cudnn

namespace cudnn = softgpu::cudnn;
using cudnn::demand;
using cudnn::guarded;
using cudnn::guarded_release;

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  return guarded(__func__, [&] {
    demand(handle != nullptr, "nowhere to put the handle", CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    const softgpu::Devices& devices = softgpu::machine().devices;
    demand(devices.driver && devices.count > 0, "no driver or no device",
           CUDNN_STATUS_NOT_INITIALIZED);
    // It allocates device memory, which a capture in global mode forbids.
    demand(softgpu::unsafe_call() == cudaSuccess, "a stream is being captured",
           CUDNN_STATUS_INTERNAL_ERROR);
    *handle = new cudnnContext;
    softgpu::born(*handle, cudnn::kHandle);
  });
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  return guarded_release(__func__, [&] {
    demand(softgpu::died(handle, cudnn::kHandle), "no such handle");
    softgpu::bury(handle);
  });
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  return guarded(__func__, [&] {
    demand(softgpu::alive(handle, cudnn::kHandle), "no such handle");
    demand(softgpu::find_stream(stream) != nullptr, "no such stream");
    handle->stream = stream;
  });
}

cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t* stream) {
  return guarded(__func__, [&] {
    demand(softgpu::alive(handle, cudnn::kHandle) && stream != nullptr, "no such handle");
    *stream = handle->stream;
  });
}

size_t cudnnGetVersion() {
  const std::size_t version = softgpu::machine().devices.cudnn_version;
  return version == 0 ? CUDNN_VERSION : version;
}

size_t cudnnGetCudartVersion() {
  const int version = softgpu::machine().devices.cudnn_cuda_version;
  return version == 0 ? CUDART_VERSION : static_cast<std::size_t>(version);
}

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
    case CUDNN_STATUS_SUCCESS:
      return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED:
      return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_BAD_PARAM:
      return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_BAD_PARAM_NULL_POINTER:
      return "CUDNN_STATUS_BAD_PARAM_NULL_POINTER";
    case CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER:
      return "CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER";
    case CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED:
      return "CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED";
    case CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE:
      return "CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE";
    case CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE:
      return "CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_INTERNAL_ERROR:
      return "CUDNN_STATUS_INTERNAL_ERROR";
    case CUDNN_STATUS_EXECUTION_FAILED_CUDART:
      return "CUDNN_STATUS_EXECUTION_FAILED_CUDART";
    default:
      return "a status without a name here";
  }
}

void cudnnGetLastErrorString(char* text, size_t room) {
  if (text == nullptr || room == 0) return;
  text[cudnn::last_error.copy(text, room - 1)] = '\0';
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t kind,
                                           cudnnBackendDescriptor_t* result) {
  return guarded(__func__, [&] {
    demand(result != nullptr, "nowhere to put the descriptor", CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    demand(cudnn::is_known(kind), "a kind of descriptor unknown here", CUDNN_STATUS_NOT_SUPPORTED);
    auto descriptor = std::make_shared<cudnn::Descriptor>();
    descriptor->kind = kind;
    *result = descriptor.get();
    softgpu::born(*result, cudnn::kDescriptor);
    cudnn::descriptors()[*result] = std::move(descriptor);
  });
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  return guarded_release(__func__, [&] {
    demand(softgpu::died(descriptor, cudnn::kDescriptor), "no such descriptor",
           CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    auto gone = cudnn::descriptors().extract(descriptor);
    softgpu::machine().graveyard.push_back(std::move(gone.mapped()));
  });
}

cudnnStatus_t cudnnBackendInitialize(cudnnBackendDescriptor_t descriptor) {
  return guarded(__func__, [&] {
    const cudnn::Child found = cudnn::find(descriptor);
    const cudnn::Kind kind = found->kind;
    *found = {};
    found->kind = kind;
  });
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
  return guarded(__func__, [&] {
    const cudnn::Child found = cudnn::find(descriptor);
    demand(!found->finalized, "the descriptor is finalized already");
    finalize(*found);
  });
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count,
                                       const void* elements) {
  return guarded(__func__, [&] { cudnn::set_attribute(descriptor, name, type, count, elements); });
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t room,
                                       int64_t* count, void* elements) {
  return guarded(__func__,
                 [&] { cudnn::get_attribute(descriptor, name, type, room, count, elements); });
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack) {
  return guarded(__func__, [&] {
    demand(softgpu::alive(handle, cudnn::kHandle), "no such handle",
           CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    cudnn::execute(handle->stream, cudnn::find(plan), cudnn::find(pack));
  });
}
