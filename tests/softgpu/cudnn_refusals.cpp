#include "softgpu/cudnn_refusals.hpp"

namespace cudnn_program {
namespace {

constexpr cudnnStatus_t kBad = CUDNN_STATUS_BAD_PARAM;
constexpr cudnnBackendDescriptorType_t kTensor = CUDNN_BACKEND_TENSOR_DESCRIPTOR;
constexpr cudnnBackendDescriptorType_t kPointwise = CUDNN_BACKEND_POINTWISE_DESCRIPTOR;

// x (2,3,7,5) * w (4,3,3,3) -> y (2,4,7,5), padded by 1.
const TensorSpec kX = channels_last(1, {2, 3, 7, 5});
const TensorSpec kW = channels_last(2, {4, 3, 3, 3});
const TensorSpec kY = channels_last(3, {2, 4, 7, 5});
const TensorSpec kBias = channels_last(4, {1, 4, 1, 1});
const ConvolutionSpec kPadded{.pre = {1, 1}, .post = {1, 1}};

template <typename Change>
TensorSpec changed(TensorSpec spec, Change change) {
  change(spec);
  return spec;
}

/// Every attribute of a tensor but `missing`.
void tensor_without(Writer& w, cudnnBackendAttributeName_t missing) {
  const Handle d = w.create(kTensor);
  for (const auto& [name, values] : std::vector<std::pair<cudnnBackendAttributeName_t, Dims>>{
           {CUDNN_ATTR_TENSOR_UNIQUE_ID, {1}},
           {CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, {16}},
           {CUDNN_ATTR_TENSOR_DIMENSIONS, {1, 2, 3, 4}},
           {CUDNN_ATTR_TENSOR_STRIDES, {24, 1, 8, 2}}}) {
    if (name != missing) w.set_dims(d, name, values);
  }
  if (missing != CUDNN_ATTR_TENSOR_DATA_TYPE) {
    w.set(d, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
  }
  w.finalize(d);
}

/// A forward convolution without one of its attributes.
void convolve_without(Writer& w, cudnnBackendAttributeName_t missing) {
  const Handle d = w.create(kForward.kind);
  const auto child = [&](cudnnBackendAttributeName_t name, Handle handle) {
    if (name != missing) w.set_child(d, name, handle);
  };
  child(kForward.convolution, w.convolution(kPadded));
  child(kForward.first, w.tensor(kX));
  child(kForward.second, w.tensor(kW));
  child(kForward.result, w.tensor(kY));
  for (const cudnnBackendAttributeName_t name : {kForward.alpha, kForward.beta}) {
    if (name != missing) w.set(d, name, CUDNN_TYPE_FLOAT, 1.0F);
  }
  w.finalize(d);
}

Handle forward(Writer& w, const TensorSpec& x, const TensorSpec& f, const TensorSpec& y) {
  return w.convolve(kForward, kPadded, x, f, y);
}

std::vector<Case> right_cases() {
  return {
      {"a convolution", CUDNN_STATUS_SUCCESS, Real::kRefuses,
       [](Writer& w) { w.graph({forward(w, kX, kW, kY)}); }},
      {"its gradients", CUDNN_STATUS_SUCCESS, Real::kRefuses,
       [](Writer& w) {
         w.graph({w.convolve(kBackwardData, kPadded, kY, kW, kX)});
         w.graph({w.convolve(kBackwardFilter, kPadded, kX, kY, kW)});
       }},
      {"convolution, bias, ReLU", CUDNN_STATUS_SUCCESS, Real::kRefuses,
       [](Writer& w) {
         const TensorSpec sum = kY.with_uid(8).as_virtual(), biased = kY.with_uid(9).as_virtual();
         w.graph({forward(w, kX, kW, sum), w.pointwise(CUDNN_POINTWISE_ADD, sum, &kBias, biased),
                  w.pointwise(CUDNN_POINTWISE_RELU_FWD, biased, nullptr, kY)});
       }},
      {"operations in any order", CUDNN_STATUS_SUCCESS, Real::kRefuses,
       [](Writer& w) {
         const TensorSpec sum = kY.with_uid(8).as_virtual();
         w.graph(
             {w.pointwise(CUDNN_POINTWISE_RELU_FWD, sum, nullptr, kY), forward(w, kX, kW, sum)});
       }},
      {"padding behind alone", CUDNN_STATUS_SUCCESS, Real::kRefuses,
       [](Writer& w) {
         w.convolve(kForward, {.post = {2, 2}}, kX, kW, kY);
       }},
  };
}

std::vector<Case> tensor_cases() {
  const auto tensor = [](const char* name, Real real, void (*change)(TensorSpec&),
                         cudnnStatus_t status = kBad) {
    return Case{name, status, real, [=](Writer& w) { w.tensor(changed(kX, change)); }};
  };
  std::vector<Case> result = {
      tensor("a negative dimension", Real::kRefuses, [](TensorSpec& t) { t.dims[2] = -3; }),
      tensor("a dimension of 0", Real::kAccepts, [](TensorSpec& t) { t.dims[2] = 0; }),
      tensor("a negative stride", Real::kRefuses, [](TensorSpec& t) { t.strides[1] = -1; }),
      tensor("a stride of 0", Real::kAccepts, [](TensorSpec& t) { t.strides[1] = 0; }),
      tensor("fewer strides than dimensions", Real::kRefuses,
             [](TensorSpec& t) { t.strides.pop_back(); }),
      tensor("an alignment of 3", Real::kRefuses, [](TensorSpec& t) { t.alignment = 3; }),
      tensor("an alignment of 0", Real::kRefuses, [](TensorSpec& t) { t.alignment = 0; }),
      tensor(
          "half precision", Real::kAccepts, [](TensorSpec& t) { t.type = CUDNN_DATA_HALF; },
          CUDNN_STATUS_NOT_SUPPORTED),
      tensor(
          "an unknown type", Real::kCrashes,
          [](TensorSpec& t) { t.type = static_cast<cudnnDataType_t>(31); },
          CUDNN_STATUS_NOT_SUPPORTED),
  };
  const auto without = [&](const char* name, Real real, cudnnBackendAttributeName_t missing) {
    result.push_back({name, kBad, real, [=](Writer& w) { tensor_without(w, missing); }});
  };
  without("a tensor without a uid", Real::kAccepts, CUDNN_ATTR_TENSOR_UNIQUE_ID);
  without("a tensor without a type", Real::kAccepts, CUDNN_ATTR_TENSOR_DATA_TYPE);
  without("a tensor without an alignment", Real::kRefuses, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
  without("a tensor without dimensions", Real::kRefuses, CUDNN_ATTR_TENSOR_DIMENSIONS);
  without("a tensor without strides", Real::kRefuses, CUDNN_ATTR_TENSOR_STRIDES);
  return result;
}

std::vector<Case> attribute_cases() {
  return {
      {"a float for a uid", CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, Real::kRefuses,
       [](Writer& w) {
         w.set(w.create(kTensor), CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_FLOAT, 1.0F);
       }},
      {"two uids", kBad, Real::kRefuses,
       [](Writer& w) {
         w.set_dims(w.create(kTensor), CUDNN_ATTR_TENSOR_UNIQUE_ID, {1, 2});
       }},
      {"nine dimensions", kBad, Real::kAccepts,
       [](Writer& w) {
         w.set_dims(w.create(kTensor), CUDNN_ATTR_TENSOR_DIMENSIONS, {1, 1, 1, 1, 1, 1, 1, 1, 1});
       }},
      {"an attribute of another kind", kBad, Real::kRefuses,
       [](Writer& w) { w.set_dims(w.create(kTensor), CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, {2}); }},
      {"an attribute after Finalize", kBad, Real::kRefuses,
       [](Writer& w) { w.set_dims(w.tensor(kX), CUDNN_ATTR_TENSOR_UNIQUE_ID, {9}); }},
      {"Finalize twice", kBad, Real::kRefuses, [](Writer& w) { w.finalize(w.tensor(kX)); }},
      {"reading before Finalize", CUDNN_STATUS_NOT_INITIALIZED, Real::kRefuses,
       [](Writer& w) {
         std::int64_t value = 0;
         const Handle d = w.create(kTensor);
         w.set_dims(d, CUDNN_ATTR_TENSOR_UNIQUE_ID, {9});
         w.get(d, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &value);
       }},
      {"reading with another type", CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, Real::kRefuses,
       [](Writer& w) {
         float value = 0;
         w.get(w.tensor(kX), CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_FLOAT, 1, &value);
       }},
      {"a child of another kind", CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, Real::kCrashes,
       [](Writer& w) {
         w.set_child(w.create(kForward.kind), kForward.first, w.convolution(kPadded));
       }},
      {"a null descriptor", CUDNN_STATUS_BAD_PARAM_NULL_POINTER, Real::kRefuses,
       [](Writer& w) { w.finalize(nullptr); }},
  };
}

std::vector<Case> convolution_cases() {
  std::vector<Case> result = {
      {"a negative padding", kBad, Real::kRefuses,
       [](Writer& w) {
         w.convolution({.pre = {-1, 0}});
       }},
      {"a stride of 0", kBad, Real::kRefuses,
       [](Writer& w) {
         w.convolution({.stride = {0, 1}});
       }},
      {"a dilation of 0", kBad, Real::kRefuses,
       [](Writer& w) {
         w.convolution({.dilation = {1, 0}});
       }},
      {"one padding for two dimensions", kBad, Real::kRefuses,
       [](Writer& w) { w.convolution({.pre = {1}}); }},
      {"channels that differ", kBad, Real::kRefuses,
       [](Writer& w) {
         forward(w, kX, channels_last(2, {4, 2, 3, 3}), kY);
       }},
      {"a height that does not follow", kBad, Real::kRefuses,
       [](Writer& w) {
         forward(w, kX, kW, channels_last(3, {2, 4, 6, 5}));
       }},
      {"another batch", kBad, Real::kRefuses,
       [](Writer& w) {
         forward(w, kX, kW, channels_last(3, {3, 4, 7, 5}));
       }},
      {"other outputs", kBad, Real::kRefuses,
       [](Writer& w) {
         forward(w, kX, kW, channels_last(3, {2, 5, 7, 5}));
       }},
      {"a gradient of another width", kBad, Real::kRefuses,
       [](Writer& w) {
         w.convolve(kBackwardData, kPadded, kY, kW, channels_last(1, {2, 3, 7, 6}));
       }},
      {"a filter gradient of another size", kBad, Real::kRefuses,
       [](Writer& w) {
         w.convolve(kBackwardFilter, kPadded, kX, kY, channels_last(2, {4, 3, 5, 3}));
       }},
  };
  const auto without = [&](const char* name, Real real, cudnnBackendAttributeName_t missing) {
    result.push_back({name, kBad, real, [=](Writer& w) { convolve_without(w, missing); }});
  };
  without("a convolution of nothing", Real::kRefuses, kForward.first);
  without("a convolution without a result", Real::kRefuses, kForward.result);
  without("a convolution without its description", Real::kRefuses, kForward.convolution);
  without("a convolution without alpha", Real::kAccepts, kForward.alpha);
  without("a convolution without beta", Real::kAccepts, kForward.beta);
  return result;
}

std::vector<Case> pointwise_cases() {
  return {
      {"an addition of one", kBad, Real::kRefuses,
       [](Writer& w) { w.pointwise(CUDNN_POINTWISE_ADD, kY, nullptr, kY.with_uid(9)); }},
      {"a ReLU of two", kBad, Real::kAccepts,
       [](Writer& w) { w.pointwise(CUDNN_POINTWISE_RELU_FWD, kY, &kBias, kY.with_uid(9)); }},
      {"a result of another shape", kBad, Real::kAccepts,
       [](Writer& w) {
         w.pointwise(CUDNN_POINTWISE_RELU_FWD, kY, nullptr, channels_last(9, {2, 4, 7, 4}));
       }},
      {"a bias that does not broadcast", kBad, Real::kAccepts,
       [](Writer& w) {
         const TensorSpec bias = channels_last(4, {1, 3, 1, 1});
         w.pointwise(CUDNN_POINTWISE_ADD, kY, &bias, kY.with_uid(9));
       }},
      {"a bias of another rank", kBad, Real::kRefuses,
       [](Writer& w) {
         const TensorSpec bias{4, {1, 4, 1}, {4, 1, 4}};
         w.pointwise(CUDNN_POINTWISE_ADD, kY, &bias, kY.with_uid(9));
       }},
      {"a mode that is missing", kBad, Real::kAccepts,
       [](Writer& w) {
         const Handle d = w.create(kPointwise);
         w.set(d, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
         w.finalize(d);
       }},
      {"a precision that is missing", kBad, Real::kAccepts,
       [](Writer& w) {
         const Handle d = w.create(kPointwise);
         w.set(d, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, CUDNN_POINTWISE_ADD);
         w.finalize(d);
       }},
  };
}

std::vector<Case> graph_cases() {
  const TensorSpec sum = kY.with_uid(8).as_virtual();
  return {
      {"a graph of nothing", kBad, Real::kRefuses,
       [](Writer& w) { w.finalize(w.create(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR)); }},
      {"a null handle", CUDNN_STATUS_BAD_PARAM_NULL_POINTER, Real::kRefuses,
       [](Writer& w) {
         w.set<cudnnHandle_t>(w.create(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR),
                              CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, nullptr);
       }},
      {"a graph of a tensor", kBad, Real::kCrashes, [](Writer& w) { w.graph({w.tensor(kX)}); }},
      {"an operation that is not finalized", CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, Real::kRefuses,
       [](Writer& w) { w.graph({w.create(kForward.kind)}); }},
      {"two writers of one tensor", kBad, Real::kRefuses,
       [](Writer& w) {
         w.graph({forward(w, kX, kW, kY), forward(w, kX, kW, kY)});
       }},
      {"a circle", kBad, Real::kRefuses,
       [=](Writer& w) {
         const TensorSpec other = kY.with_uid(9).as_virtual();
         w.graph({w.pointwise(CUDNN_POINTWISE_RELU_FWD, sum, nullptr, other),
                  w.pointwise(CUDNN_POINTWISE_RELU_FWD, other, nullptr, sum)});
       }},
      {"a virtual tensor nobody writes", kBad, Real::kAccepts,
       [=](Writer& w) { w.graph({w.pointwise(CUDNN_POINTWISE_RELU_FWD, sum, nullptr, kY)}); }},
      {"a virtual tensor nobody reads", kBad, Real::kAccepts,
       [=](Writer& w) { w.graph({forward(w, kX, kW, sum)}); }},
      {"one uid for two tensors", kBad, Real::kAccepts,
       [=](Writer& w) {
         const TensorSpec bias = kBias.with_uid(2);
         w.graph({forward(w, kX, kW, sum), w.pointwise(CUDNN_POINTWISE_ADD, sum, &bias, kY)});
       }},
      {"beta upon a virtual tensor", kBad, Real::kAccepts,
       [=](Writer& w) {
         w.graph({w.convolve(kForward, kPadded, kX, kW, sum, 1, 1),
                  w.pointwise(CUDNN_POINTWISE_RELU_FWD, sum, nullptr, kY)});
       }},
  };
}

std::vector<Case> pack_and_plan_cases() {
  static int memory = 0;
  return {
      {"a plan of nothing", CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, Real::kRefuses,
       [](Writer& w) { w.finalize(w.create(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR)); }},
      {"heuristics for nothing", kBad, Real::kRefuses,
       [](Writer& w) { w.finalize(w.create(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR)); }},
      {"an engine that does not exist", CUDNN_STATUS_NOT_SUPPORTED, Real::kNeedsDevice,
       [](Writer& w) {
         const Handle engine = w.create(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
         w.set_child(engine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, w.graph({forward(w, kX, kW, kY)}));
         w.set_dims(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, {123456});
         w.finalize(engine);
       }},
      {"fewer pointers than uids", kBad, Real::kRefuses,
       [](Writer& w) {
         const Handle pack = w.create(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
         w.set_dims(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, {1, 2});
         w.set<void*>(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, &memory);
         w.finalize(pack);
       }},
      {"a null pointer in the pack", kBad, Real::kAccepts,
       [](Writer& w) {
         w.pack({{1, nullptr}}, &memory);
       }},
      {"one uid twice in the pack", kBad, Real::kAccepts,
       [](Writer& w) {
         w.pack({{1, &memory}, {1, &memory}}, &memory);
       }},
  };
}

}  // namespace

std::vector<Case> cases() {
  std::vector<Case> result;
  for (const auto& some : {right_cases(), tensor_cases(), attribute_cases(), convolution_cases(),
                           pointwise_cases(), graph_cases(), pack_and_plan_cases()}) {
    result.insert(result.end(), some.begin(), some.end());
  }
  return result;
}

}  // namespace cudnn_program
