// Writes descriptors of cuDNN's backend API as a program does, for tests: through a table of
// functions, so that one and the same text is put to the stand-in and to the real library.
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

namespace cudnn_program {

using Handle = cudnnBackendDescriptor_t;
using Dims = std::vector<std::int64_t>;

/// The functions under test.
struct Api {
  decltype(&cudnnBackendCreateDescriptor) create;
  decltype(&cudnnBackendDestroyDescriptor) destroy;
  decltype(&cudnnBackendSetAttribute) set;
  decltype(&cudnnBackendGetAttribute) get;
  decltype(&cudnnBackendFinalize) finalize;
};

struct TensorSpec {
  std::int64_t uid = 1;
  Dims dims;
  Dims strides;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  bool is_virtual = false;
  std::int64_t alignment = 16;

  TensorSpec with_uid(std::int64_t other) const {
    TensorSpec result = *this;
    result.uid = other;
    return result;
  }
  TensorSpec as_virtual() const {
    TensorSpec result = *this;
    result.is_virtual = true;
    return result;
  }
};

/// (N, C, H, W) with the channels last.
inline TensorSpec channels_last(std::int64_t uid, Dims d, cudnnDataType_t type = CUDNN_DATA_FLOAT) {
  return {uid, d, {d[1] * d[2] * d[3], 1, d[1] * d[3], d[1]}, type};
}

struct ConvolutionSpec {
  Dims pre{0, 0}, post{0, 0}, stride{1, 1}, dilation{1, 1};
  cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
};

/// The attributes' names differ between the three convolution operations.
struct ConvolutionNames {
  cudnnBackendDescriptorType_t kind;
  cudnnBackendAttributeName_t convolution, first, second, result, alpha, beta;
};
inline constexpr ConvolutionNames kForward{CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                                           CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                                           CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                                           CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                                           CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                                           CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                                           CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
inline constexpr ConvolutionNames kBackwardData{
    CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
inline constexpr ConvolutionNames kBackwardFilter{
    CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};

/// Makes descriptors and gives them back. After the first call that fails it makes no others:
/// `status()` is that call's.
class Writer {
 public:
  explicit Writer(const Api& api) : api_(api) {}
  ~Writer() {
    for (const Handle descriptor : made_) static_cast<void>(api_.destroy(descriptor));
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  cudnnStatus_t status() const { return status_; }

  Handle create(cudnnBackendDescriptorType_t kind) {
    Handle result = nullptr;
    if (note(ok() ? api_.create(kind, &result) : status_)) made_.push_back(result);
    return result;
  }
  void finalize(Handle descriptor) {
    if (ok()) note(api_.finalize(descriptor));
  }
  template <typename T>
  void set(Handle descriptor, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
           const std::vector<T>& values) {
    const auto count = static_cast<std::int64_t>(values.size());
    if (ok()) note(api_.set(descriptor, name, type, count, values.data()));
  }
  template <typename T>
  void set(Handle descriptor, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
           T value) {
    if (ok()) note(api_.set(descriptor, name, type, 1, &value));
  }
  void set_dims(Handle descriptor, cudnnBackendAttributeName_t name, const Dims& values) {
    set(descriptor, name, CUDNN_TYPE_INT64, values);
  }
  void set_child(Handle descriptor, cudnnBackendAttributeName_t name, Handle child) {
    set(descriptor, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, child);
  }
  template <typename T>
  std::int64_t get(Handle descriptor, cudnnBackendAttributeName_t name,
                   cudnnBackendAttributeType_t type, std::int64_t room, T* values) {
    std::int64_t count = 0;
    if (ok()) note(api_.get(descriptor, name, type, room, &count, values));
    return count;
  }

  Handle tensor(const TensorSpec& spec) {
    const Handle result = create(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    set_dims(result, CUDNN_ATTR_TENSOR_UNIQUE_ID, {spec.uid});
    set(result, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, spec.type);
    set_dims(result, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, {spec.alignment});
    set_dims(result, CUDNN_ATTR_TENSOR_DIMENSIONS, spec.dims);
    set_dims(result, CUDNN_ATTR_TENSOR_STRIDES, spec.strides);
    set(result, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, spec.is_virtual);
    finalize(result);
    return result;
  }
  Handle convolution(const ConvolutionSpec& spec) {
    const Handle result = create(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    set_dims(result, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS,
             {static_cast<std::int64_t>(spec.stride.size())});
    set(result, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    set(result, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, spec.mode);
    set_dims(result, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, spec.pre);
    set_dims(result, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, spec.post);
    set_dims(result, CUDNN_ATTR_CONVOLUTION_DILATIONS, spec.dilation);
    set_dims(result, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, spec.stride);
    finalize(result);
    return result;
  }
  Handle convolve(const ConvolutionNames& names, const ConvolutionSpec& spec,
                  const TensorSpec& first, const TensorSpec& second, const TensorSpec& result,
                  float alpha = 1, float beta = 0) {
    const Handle operation = create(names.kind);
    set_child(operation, names.convolution, convolution(spec));
    set_child(operation, names.first, tensor(first));
    set_child(operation, names.second, tensor(second));
    set_child(operation, names.result, tensor(result));
    set(operation, names.alpha, CUDNN_TYPE_FLOAT, alpha);
    set(operation, names.beta, CUDNN_TYPE_FLOAT, beta);
    finalize(operation);
    return operation;
  }
  /// `second` may be nullptr.
  Handle pointwise(cudnnPointwiseMode_t mode, const TensorSpec& first, const TensorSpec* second,
                   const TensorSpec& result) {
    const bool backward = mode == CUDNN_POINTWISE_RELU_BWD;
    const Handle how = create(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    set(how, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, mode);
    set(how, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    finalize(how);
    const Handle operation = create(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    set_child(operation, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, how);
    set_child(operation, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, tensor(first));
    if (second != nullptr) {
      set_child(
          operation,
          backward ? CUDNN_ATTR_OPERATION_POINTWISE_DYDESC : CUDNN_ATTR_OPERATION_POINTWISE_BDESC,
          tensor(*second));
    }
    set_child(
        operation,
        backward ? CUDNN_ATTR_OPERATION_POINTWISE_DXDESC : CUDNN_ATTR_OPERATION_POINTWISE_YDESC,
        tensor(result));
    finalize(operation);
    return operation;
  }
  Handle graph(const std::vector<Handle>& operations) {
    const Handle result = create(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    set(result, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, operations);
    finalize(result);
    return result;
  }
  /// `device` may be nullptr: the present one.
  std::vector<Handle> configurations(Handle graph, cudnnBackendHeurMode_t mode,
                                     Handle device = nullptr) {
    const Handle heuristics = create(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    set_child(heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    set(heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode);
    if (device != nullptr) set_child(heuristics, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, device);
    finalize(heuristics);
    const std::int64_t offered = get<Handle>(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                             CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, nullptr);
    std::vector<Handle> result;
    for (std::int64_t i = 0; i < offered; ++i) {
      result.push_back(create(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR));
    }
    const std::int64_t found = get(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                   CUDNN_TYPE_BACKEND_DESCRIPTOR, offered, result.data());
    result.resize(static_cast<std::size_t>(found));
    return result;
  }
  /// The engine of a configuration, for its index and notes.
  Handle engine(Handle configuration) {
    Handle result = create(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    get(configuration, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &result);
    return result;
  }
  Handle plan(Handle configuration, Handle device = nullptr) {
    const Handle result = create(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    set_child(result, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
    if (device != nullptr) set_child(result, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, device);
    finalize(result);
    return result;
  }
  Handle pack(const std::vector<std::pair<std::int64_t, void*>>& pointers, void* workspace) {
    Dims uids;
    std::vector<void*> addresses;
    for (const auto& [uid, address] : pointers) {
      uids.push_back(uid);
      addresses.push_back(address);
    }
    const Handle result = create(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    set_dims(result, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, uids);
    set(result, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, addresses);
    set(result, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, workspace);
    finalize(result);
    return result;
  }

 private:
  bool ok() const { return status_ == CUDNN_STATUS_SUCCESS; }
  bool note(cudnnStatus_t status) {
    status_ = status;
    return ok();
  }

  Api api_;
  std::vector<Handle> made_;
  cudnnStatus_t status_ = CUDNN_STATUS_SUCCESS;
};

/// The functions that are linked.
inline Api linked_api() {
  return {cudnnBackendCreateDescriptor, cudnnBackendDestroyDescriptor, cudnnBackendSetAttribute,
          cudnnBackendGetAttribute, cudnnBackendFinalize};
}

}  // namespace cudnn_program
