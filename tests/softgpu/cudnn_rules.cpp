// What makes a descriptor complete. Stricter than the real library, whose Finalize takes a missing
// uid, type or alpha, a virtual tensor that nobody writes and pointwise shapes that do not match,
// and fails, or computes nonsense, later.
#include <algorithm>
#include <iterator>
#include <set>

#include "softgpu/cudnn_descriptors.hpp"
#include "softgpu/machine.hpp"

namespace softgpu::cudnn {
namespace {

constexpr Kind kTensor = CUDNN_BACKEND_TENSOR_DESCRIPTOR;
constexpr Kind kConvolution = CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR;
constexpr Kind kPointwise = CUDNN_BACKEND_POINTWISE_DESCRIPTOR;
constexpr Kind kForward = CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR;
constexpr Kind kBackwardData = CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR;
constexpr Kind kBackwardFilter = CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR;
constexpr Kind kPointwiseOperation = CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR;
constexpr Kind kGraph = CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR;
constexpr Kind kHeuristics = CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR;
constexpr Kind kEngine = CUDNN_BACKEND_ENGINE_DESCRIPTOR;
constexpr Kind kConfig = CUDNN_BACKEND_ENGINECFG_DESCRIPTOR;
constexpr Kind kPlan = CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR;
constexpr Kind kPack = CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR;
constexpr Kind kDevice = CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR;
constexpr Type kInt64 = CUDNN_TYPE_INT64;
constexpr Type kChild = CUDNN_TYPE_BACKEND_DESCRIPTOR;

/// The attributes of the three convolution operations.
struct ConvolutionNames {
  Kind kind;
  Name convolution, first, second, result, alpha, beta;
};
constexpr ConvolutionNames kConvolutionNames[] = {
    {kForward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
    {kBackwardData, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
    {kBackwardFilter, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA},
};

std::vector<AttributeRule> make_rules() {
  std::vector<AttributeRule> rules = {
      {kTensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, kInt64, 1, true},
      {kTensor, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, true},
      {kTensor, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, kInt64, 1, true},
      {kTensor, CUDNN_ATTR_TENSOR_DIMENSIONS, kInt64, CUDNN_DIM_MAX, true},
      {kTensor, CUDNN_ATTR_TENSOR_STRIDES, kInt64, CUDNN_DIM_MAX, true},
      {kTensor, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, false},
      {kConvolution, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, kInt64, 1, true},
      {kConvolution, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, true},
      {kConvolution, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, true},
      {kConvolution, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, kInt64, 6, true},
      {kConvolution, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, kInt64, 6, true},
      {kConvolution, CUDNN_ATTR_CONVOLUTION_DILATIONS, kInt64, 6, true},
      {kConvolution, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, kInt64, 6, true},
      {kPointwise, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, true},
      {kPointwise, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, true},
      {kPointwiseOperation, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, kChild, 1, true,
       kPointwise},
      {kPointwiseOperation, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, kChild, 1, true, kTensor},
      {kPointwiseOperation, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, kChild, 1, false, kTensor},
      {kPointwiseOperation, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, kChild, 1, false, kTensor},
      {kPointwiseOperation, CUDNN_ATTR_OPERATION_POINTWISE_DXDESC, kChild, 1, false, kTensor},
      {kPointwiseOperation, CUDNN_ATTR_OPERATION_POINTWISE_DYDESC, kChild, 1, false, kTensor},
      {kPointwiseOperation, CUDNN_ATTR_OPERATION_POINTWISE_ALPHA1, CUDNN_TYPE_FLOAT, 1, false},
      {kPointwiseOperation, CUDNN_ATTR_OPERATION_POINTWISE_ALPHA2, CUDNN_TYPE_FLOAT, 1, false},
      {kGraph, CUDNN_ATTR_OPERATIONGRAPH_OPS, kChild, 64, true, kAnyOperation},
      {kGraph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, false},
      {kDevice, CUDNN_ATTR_DEVICEPROP_DEVICE_ID, CUDNN_TYPE_INT32, 1, false},
      {kDevice, CUDNN_ATTR_DEVICEPROP_HANDLE, CUDNN_TYPE_HANDLE, 1, false},
      {kDevice, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, 1 << 20, false},
      {kHeuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, kChild, 1, true, kGraph},
      {kHeuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, true},
      {kHeuristics, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, kChild, 1, false, kDevice},
      {kEngine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, kChild, 1, true, kGraph},
      {kEngine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, kInt64, 1, true},
      {kEngine, CUDNN_ATTR_ENGINE_DEVICEPROP, kChild, 1, false, kDevice},
      {kConfig, CUDNN_ATTR_ENGINECFG_ENGINE, kChild, 1, true, kEngine},
      {kPlan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, kChild, 1, true, kConfig},
      {kPlan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, false},
      {kPlan, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, kChild, 1, false, kDevice},
      {kPack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, kInt64, 64, true},
      {kPack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 64, true},
      {kPack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, false},
  };
  for (const ConvolutionNames& names : kConvolutionNames) {
    rules.push_back({names.kind, names.convolution, kChild, 1, true, kConvolution});
    for (const Name tensor : {names.first, names.second, names.result}) {
      rules.push_back({names.kind, tensor, kChild, 1, true, kTensor});
    }
    for (const Name factor : {names.alpha, names.beta}) {
      rules.push_back({names.kind, factor, CUDNN_TYPE_FLOAT, 1, true});
    }
  }
  return rules;
}

const std::vector<AttributeRule>& rules() {
  static const auto* const kRules = new std::vector<AttributeRule>(make_rules());
  return *kRules;
}

Tensor tensor_of(const Child& descriptor) {
  if (descriptor == nullptr) return {};
  return {descriptor->integer(CUDNN_ATTR_TENSOR_UNIQUE_ID),
          static_cast<cudnnDataType_t>(descriptor->integer(CUDNN_ATTR_TENSOR_DATA_TYPE)),
          descriptor->integers(CUDNN_ATTR_TENSOR_DIMENSIONS),
          descriptor->integers(CUDNN_ATTR_TENSOR_STRIDES),
          descriptor->integer(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT),
          descriptor->integer(CUDNN_ATTR_TENSOR_IS_VIRTUAL) != 0};
}

void check_tensor(const Tensor& t) {
  demand(t.type == CUDNN_DATA_FLOAT || t.type == CUDNN_DATA_BFLOAT16,
         "tensor: only float32 and bfloat16", CUDNN_STATUS_NOT_SUPPORTED);
  demand(t.dims.size() == t.strides.size(), "tensor: as many strides as dimensions");
  for (std::size_t i = 0; i < t.dims.size(); ++i) {
    demand(t.dims[i] > 0, "tensor: a dimension below 1");
    demand(t.strides[i] > 0, "tensor: a stride below 1");
  }
  demand(t.alignment > 0 && t.alignment % t.element_bytes() == 0,
         "tensor: the alignment is no multiple of the element's size");
}

void check_convolution(const Descriptor& d) {
  const auto rank = static_cast<std::size_t>(d.integer(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS));
  const auto check = [&](Name name, std::int64_t least, const char* why) {
    const Dims values = d.integers(name);
    demand(values.size() == rank, "convolution: one value per spatial dimension");
    demand(*std::min_element(values.begin(), values.end()) >= least, why);
  };
  check(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, 0, "convolution: a negative padding");
  check(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, 0, "convolution: a negative padding");
  check(CUDNN_ATTR_CONVOLUTION_DILATIONS, 1, "convolution: a dilation below 1");
  check(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, 1, "convolution: a stride below 1");
}

Step step_of(const Descriptor& d) {
  Step step;
  step.kind = d.kind;
  for (const ConvolutionNames& names : kConvolutionNames) {
    if (names.kind != d.kind) continue;
    const Child convolution = d.child(names.convolution);
    step.pre = convolution->integers(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
    step.post = convolution->integers(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
    step.stride = convolution->integers(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
    step.dilation = convolution->integers(CUDNN_ATTR_CONVOLUTION_DILATIONS);
    step.mirrored = convolution->integer(CUDNN_ATTR_CONVOLUTION_CONV_MODE) == CUDNN_CONVOLUTION;
    step.alpha = d.real(names.alpha, 1);
    step.beta = d.real(names.beta, 0);
    step.first = tensor_of(d.child(names.first));
    step.second = tensor_of(d.child(names.second));
    step.result = tensor_of(d.child(names.result));
    return step;
  }
  const Child pointwise = d.child(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
  step.mode = static_cast<cudnnPointwiseMode_t>(pointwise->integer(CUDNN_ATTR_POINTWISE_MODE));
  const bool backward = step.mode == CUDNN_POINTWISE_RELU_BWD;
  step.alpha = d.real(CUDNN_ATTR_OPERATION_POINTWISE_ALPHA1, 1);
  step.beta = d.real(CUDNN_ATTR_OPERATION_POINTWISE_ALPHA2, 1);
  step.first = tensor_of(d.child(CUDNN_ATTR_OPERATION_POINTWISE_XDESC));
  step.second = tensor_of(d.child(backward ? CUDNN_ATTR_OPERATION_POINTWISE_DYDESC
                                           : CUDNN_ATTR_OPERATION_POINTWISE_BDESC));
  step.result = tensor_of(d.child(backward ? CUDNN_ATTR_OPERATION_POINTWISE_DXDESC
                                           : CUDNN_ATTR_OPERATION_POINTWISE_YDESC));
  return step;
}

void check_pointwise(const Step& step) {
  const bool binary = step.mode == CUDNN_POINTWISE_ADD || step.mode == CUDNN_POINTWISE_MUL ||
                      step.mode == CUDNN_POINTWISE_RELU_BWD;
  const bool unary = step.mode == CUDNN_POINTWISE_RELU_FWD || step.mode == CUDNN_POINTWISE_IDENTITY;
  demand(binary || unary, "pointwise: a mode unknown here", CUDNN_STATUS_NOT_SUPPORTED);
  demand(step.result.exists(), "pointwise: no result");
  demand(binary == step.second.exists(), "pointwise: as many inputs as the mode takes");
  demand(step.first.dims == step.result.dims, "pointwise: the result's shape is not the input's");
  if (!binary) return;
  demand(step.second.dims.size() == step.result.dims.size(), "pointwise: ranks");
  for (std::size_t i = 0; i < step.result.dims.size(); ++i) {
    demand(step.second.dims[i] == step.result.dims[i] || step.second.dims[i] == 1,
           "pointwise: the second input does not broadcast");
  }
}

void check_convolution_operation(const Step& step) {
  const Tensor &x = step.x(), &w = step.w(), &y = step.y();
  demand(x.dims.size() == 4 && w.dims.size() == 4 && y.dims.size() == 4 && step.stride.size() == 2,
         "convolution: only in two dimensions");
  demand(x.dims[1] == w.dims[1], "convolution: the channels of x and w");
  demand(y.dims[0] == x.dims[0] && y.dims[1] == w.dims[0], "convolution: y's N or K");
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t reach = (w.dims[i + 2] - 1) * step.dilation[i] + 1;
    const std::int64_t room = x.dims[i + 2] + step.pre[i] + step.post[i] - reach;
    demand(room >= 0 && y.dims[i + 2] == room / step.stride[i] + 1,
           "convolution: y's height or width");
  }
}

/// Orders the operations so that each follows what it reads.
void link(Descriptor& graph) {
  std::vector<Step> steps;
  for (const Child& operation : graph.attributes.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).children) {
    steps.push_back(step_of(*operation));
  }
  std::map<std::int64_t, Tensor> tensors;
  std::set<std::int64_t> written, read;
  for (const Step& step : steps) {
    for (const Tensor* t : {&step.first, &step.second, &step.result}) {
      if (!t->exists()) continue;
      demand(tensors.try_emplace(t->uid, *t).first->second == *t,
             "graph: one uid for two different tensors");
      if (t != &step.result) read.insert(t->uid);
    }
    demand(written.insert(step.result.uid).second, "graph: two operations write one tensor");
    demand(!step.is_convolution() || step.beta == 0 || !step.result.is_virtual,
           "graph: beta adds to a virtual tensor");
  }
  std::set<std::int64_t> ready;
  for (const auto& [uid, tensor] : tensors) {
    demand(!tensor.is_virtual || (written.contains(uid) && read.contains(uid)),
           "graph: a virtual tensor that nobody writes or nobody reads");
    if (!written.contains(uid)) ready.insert(uid);
  }
  while (!steps.empty()) {
    const auto next = std::find_if(steps.begin(), steps.end(), [&](const Step& step) {
      return ready.contains(step.first.uid) &&
             (!step.second.exists() || ready.contains(step.second.uid));
    });
    demand(next != steps.end(), "graph: the operations form a circle");
    ready.insert(next->result.uid);
    graph.program.push_back(std::move(*next));
    steps.erase(next);
  }
}

void check_engine(Descriptor& d) {
  for (const auto* offered : {&machine().engines, &machine().fallback_engines}) {
    for (const Engine& engine : *offered) {
      if (engine.index != d.integer(CUDNN_ATTR_ENGINE_GLOBAL_INDEX)) continue;
      d.engine = engine;
      return;
    }
  }
  throw Refusal(CUDNN_STATUS_NOT_SUPPORTED, "engine: no engine of this index");
}

void check_pack(const Descriptor& d) {
  const Dims uids = d.integers(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const Dims pointers = d.integers(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  demand(uids.size() == pointers.size(), "variant pack: as many pointers as uids");
  demand(std::set<std::int64_t>(uids.begin(), uids.end()).size() == uids.size(),
         "variant pack: one uid twice");
  demand(std::find(pointers.begin(), pointers.end(), 0) == pointers.end(),
         "variant pack: a null pointer");
}

void check_attributes(const Descriptor& d) {
  // A plan says of what it lacks that it is not finalized.
  const cudnnStatus_t lacking =
      d.kind == kPlan ? CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED : CUDNN_STATUS_BAD_PARAM;
  for (const AttributeRule& rule : rules()) {
    if (rule.kind != d.kind) continue;
    demand(!rule.needed || d.has(rule.name), "an attribute is missing", lacking);
  }
  for (const auto& [name, attribute] : d.attributes) {
    for (const Child& child : attribute.children) {
      demand(child->finalized, "a descriptor that it refers to is not finalized", lacking);
    }
  }
}

}  // namespace

const AttributeRule* find_rule(Kind kind, Name name) {
  const auto found = std::find_if(rules().begin(), rules().end(), [&](const AttributeRule& rule) {
    return rule.kind == kind && rule.name == name;
  });
  return found == rules().end() ? nullptr : &*found;
}

bool is_known(Kind kind) {
  return std::any_of(rules().begin(), rules().end(),
                     [&](const AttributeRule& rule) { return rule.kind == kind; });
}

std::size_t element_size(Type type) {
  switch (type) {
    case CUDNN_TYPE_BOOLEAN:
    case CUDNN_TYPE_CHAR:
      return 1;
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_DOUBLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
      return 8;
    default:
      return 4;
  }
}

void finalize(Descriptor& d) {
  check_attributes(d);
  if (d.kind == kTensor) {
    // The descriptor is its own only child here.
    check_tensor(tensor_of(Child(&d, [](Descriptor*) {})));
  } else if (d.kind == kConvolution) {
    check_convolution(d);
  } else if (d.kind == kPointwiseOperation) {
    check_pointwise(step_of(d));
  } else if (d.kind == kForward || d.kind == kBackwardData || d.kind == kBackwardFilter) {
    check_convolution_operation(step_of(d));
  } else if (d.kind == kGraph) {
    link(d);
  } else if (d.kind == kDevice) {
    demand(!d.attributes.empty(), "device properties: of no device");
  } else if (d.kind == kEngine) {
    check_engine(d);
  } else if (d.kind == kPlan) {
    demand(engine_of(d).supported, "plan: the engine does not support the graph",
           CUDNN_STATUS_NOT_SUPPORTED);
  } else if (d.kind == kPack) {
    check_pack(d);
  }
  d.finalized = true;
}

const std::vector<Step>& program_of(const Descriptor& plan) {
  return plan.child(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)
      ->child(CUDNN_ATTR_ENGINECFG_ENGINE)
      ->child(CUDNN_ATTR_ENGINE_OPERATION_GRAPH)
      ->program;
}

const Engine& engine_of(const Descriptor& plan) {
  return plan.child(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)
      ->child(CUDNN_ATTR_ENGINECFG_ENGINE)
      ->engine;
}

}  // namespace softgpu::cudnn
