#include "kernels/cuda/cudnn_graph.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

namespace afterglow::cuda {
namespace {

// What a graph's tensors are called.
enum Uid : std::int64_t { kA = 1, kB, kBias, kOut, kSum, kBiased };

/// Alignment that our buffers have at least, in bytes.
constexpr std::int64_t kTensorAlignment = 16;

void set(const Descriptor& descriptor, cudnnBackendAttributeName_t name,
         cudnnBackendAttributeType_t type, std::int64_t count, const void* values) {
  AFTERGLOW_CUDA(cudnnBackendSetAttribute(descriptor.get(), name, type, count, values));
}
void set(const Descriptor& descriptor, cudnnBackendAttributeName_t name,
         std::span<const std::int64_t> values) {
  set(descriptor, name, CUDNN_TYPE_INT64, static_cast<std::int64_t>(values.size()), values.data());
}
void set(const Descriptor& descriptor, cudnnBackendAttributeName_t name, std::int64_t value) {
  set(descriptor, name, CUDNN_TYPE_INT64, 1, &value);
}
void set(const Descriptor& descriptor, cudnnBackendAttributeName_t name, float value) {
  set(descriptor, name, CUDNN_TYPE_FLOAT, 1, &value);
}
void set(const Descriptor& descriptor, cudnnBackendAttributeName_t name, cudnnDataType_t value) {
  set(descriptor, name, CUDNN_TYPE_DATA_TYPE, 1, &value);
}
void set(const Descriptor& descriptor, cudnnBackendAttributeName_t name, const Descriptor& other) {
  const cudnnBackendDescriptor_t raw = other.get();
  set(descriptor, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &raw);
}

void finalize(const Descriptor& descriptor) {
  AFTERGLOW_CUDA(cudnnBackendFinalize(descriptor.get()));
}

/// Dimensions in cuDNN's order (N, C, H, W), or (K, C, KH, KW) of a kernel.
using Dimensions = std::array<std::int64_t, 4>;

struct TensorSpec {
  Uid uid;
  Dimensions dimensions;
  cudnnDataType_t type;
  bool is_virtual = false;  // lives inside of the plan alone
};

Descriptor tensor(const TensorSpec& spec) {
  const auto& [n, c, h, w] = spec.dimensions;
  const Dimensions channels_last{c * h * w, 1, w * c, c};
  Descriptor result = make_descriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  set(result, CUDNN_ATTR_TENSOR_UNIQUE_ID, spec.uid);
  set(result, CUDNN_ATTR_TENSOR_DATA_TYPE, spec.type);
  set(result, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, kTensorAlignment);
  set(result, CUDNN_ATTR_TENSOR_DIMENSIONS, spec.dimensions);
  set(result, CUDNN_ATTR_TENSOR_STRIDES, channels_last);
  set(result, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &spec.is_virtual);
  finalize(result);
  return result;
}

/// The zeros behind the input that make the output as large as it is.
std::int64_t pad_after(std::int32_t in, std::int32_t out, std::int32_t window,
                       const CudnnConvolution& c, std::int32_t pad_before) {
  const std::int32_t reach = (out - 1) * c.stride + (window - 1) * c.dilation + 1;
  return std::max(0, reach - in - pad_before);
}

Descriptor convolution_descriptor(const CudnnConvolution& c) {
  const std::array<std::int64_t, 2> before{c.pad_top, c.pad_left};
  const std::array<std::int64_t, 2> after{pad_after(c.h, c.oh, c.kh, c, c.pad_top),
                                          pad_after(c.w, c.ow, c.kw, c, c.pad_left)};
  const std::array<std::int64_t, 2> strides{c.stride, c.stride};
  const std::array<std::int64_t, 2> dilations{c.dilation, c.dilation};
  const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  Descriptor result = make_descriptor(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  set(result, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t{2});
  set(result, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
  set(result, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
  set(result, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, before);
  set(result, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, after);
  set(result, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, strides);
  set(result, CUDNN_ATTR_CONVOLUTION_DILATIONS, dilations);
  finalize(result);
  return result;
}

/// The attributes of the three convolution operations, in the roles of CudnnPlan::execute.
struct OperationNames {
  cudnnBackendDescriptorType_t type;
  cudnnBackendAttributeName_t convolution, a, b, out, alpha, beta;
};

OperationNames names_of(Pass pass) {
  switch (pass) {
    case Pass::kForward:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
    case Pass::kBackwardData:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
    case Pass::kBackwardWeights:
      break;
  }
  return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
}

/// Descriptors that refer to each other, kept together.
using Descriptors = std::vector<Descriptor>;

const Descriptor& keep(Descriptors& all, Descriptor descriptor) {
  all.push_back(std::move(descriptor));
  return all.back();
}

/// out = mode(x) or mode(x, b), appended; the operation is the last.
void add_pointwise(Descriptors& all, cudnnPointwiseMode_t mode, const TensorSpec& x,
                   const TensorSpec* b, const TensorSpec& out) {
  Descriptor function = make_descriptor(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  set(function, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
  set(function, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
  finalize(function);
  Descriptor operation = make_descriptor(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  set(operation, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, keep(all, std::move(function)));
  set(operation, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, keep(all, tensor(x)));
  if (b != nullptr) set(operation, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, keep(all, tensor(*b)));
  set(operation, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, keep(all, tensor(out)));
  finalize(operation);
  keep(all, std::move(operation));
}

/// The operation graph, last of the descriptors that it is made of.
Descriptors operation_graph(const CudnnConvolution& c) {
  const cudnnDataType_t type =
      c.operands == Operands::kBfloat16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
  const Dimensions x{c.n, c.c, c.h, c.w}, y{c.n, c.k, c.oh, c.ow}, kernel{c.k, c.c, c.kh, c.kw};
  const bool forward = c.pass == Pass::kForward, data = c.pass == Pass::kBackwardData;
  const bool epilogue = forward && c.bias;
  const TensorSpec a{kA, data ? y : x, type};
  const TensorSpec b{kB, forward || data ? kernel : y, type};
  const TensorSpec out{kOut, forward ? y : data ? x : kernel, type};
  const TensorSpec sum{kSum, y, CUDNN_DATA_FLOAT, true};

  Descriptors all;
  std::vector<cudnnBackendDescriptor_t> operations;
  const OperationNames names = names_of(c.pass);
  Descriptor operation = make_descriptor(names.type);
  set(operation, names.convolution, keep(all, convolution_descriptor(c)));
  set(operation, names.a, keep(all, tensor(a)));
  set(operation, names.b, keep(all, tensor(b)));
  set(operation, names.out, keep(all, tensor(epilogue ? sum : out)));
  set(operation, names.alpha, 1.0F);
  set(operation, names.beta, 0.0F);
  finalize(operation);
  operations.push_back(keep(all, std::move(operation)).get());
  if (epilogue) {
    const TensorSpec bias{kBias, {1, c.k, 1, 1}, type};
    const TensorSpec biased{kBiased, y, CUDNN_DATA_FLOAT, true};
    add_pointwise(all, CUDNN_POINTWISE_ADD, sum, &bias, c.relu ? biased : out);
    operations.push_back(all.back().get());
    if (c.relu) {
      add_pointwise(all, CUDNN_POINTWISE_RELU_FWD, biased, nullptr, out);
      operations.push_back(all.back().get());
    }
  }
  Descriptor graph = make_descriptor(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  set(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
      static_cast<std::int64_t>(operations.size()), operations.data());
  finalize(graph);
  keep(all, std::move(graph));
  return all;
}

/// What cuDNN would try for the graph, most promising first.
std::vector<Descriptor> engine_configurations(const Descriptor& graph, const Descriptor& device,
                                              cudnnBackendHeurMode_t mode) {
  Descriptor heuristics = make_descriptor(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  set(heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
  set(heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
  set(heuristics, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, device);
  const cudnnStatus_t status = cudnnBackendFinalize(heuristics.get());
  if (status == CUDNN_STATUS_NOT_SUPPORTED) return {};
  check(status, "cudnnBackendFinalize(heuristics)", __FILE__, __LINE__);
  std::int64_t count = 0;
  AFTERGLOW_CUDA(cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                          CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, nullptr));
  std::vector<Descriptor> result;
  std::vector<cudnnBackendDescriptor_t> raw;
  for (std::int64_t i = 0; i < count; ++i) {
    result.push_back(make_descriptor(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR));
    raw.push_back(result.back().get());
  }
  if (count > 0) {
    AFTERGLOW_CUDA(cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                            CUDNN_TYPE_BACKEND_DESCRIPTOR, count, &count,
                                            raw.data()));
  }
  result.resize(static_cast<std::size_t>(count));
  return result;
}

struct Engine {
  std::int64_t index = 0;
  std::vector<cudnnBackendNumericalNote_t> numerical;
  std::vector<cudnnBackendBehaviorNote_t> behaviour;

  bool has(cudnnBackendNumericalNote_t note) const {
    return std::find(numerical.begin(), numerical.end(), note) != numerical.end();
  }
};

template <typename Note>
std::vector<Note> read_notes(const Descriptor& engine, cudnnBackendAttributeName_t name,
                             cudnnBackendAttributeType_t type, std::int64_t most) {
  std::vector<Note> notes(static_cast<std::size_t>(most));
  std::int64_t count = 0;
  AFTERGLOW_CUDA(cudnnBackendGetAttribute(engine.get(), name, type, most, &count, notes.data()));
  notes.resize(static_cast<std::size_t>(std::min(count, most)));
  return notes;
}

Engine engine_of(const Descriptor& configuration) {
  const Descriptor engine = make_descriptor(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  cudnnBackendDescriptor_t raw = engine.get();
  std::int64_t count = 0;
  AFTERGLOW_CUDA(cudnnBackendGetAttribute(configuration.get(), CUDNN_ATTR_ENGINECFG_ENGINE,
                                          CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &raw));
  Engine result;
  AFTERGLOW_CUDA(cudnnBackendGetAttribute(engine.get(), CUDNN_ATTR_ENGINE_GLOBAL_INDEX,
                                          CUDNN_TYPE_INT64, 1, &count, &result.index));
  result.numerical = read_notes<cudnnBackendNumericalNote_t>(
      engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
      CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
  result.behaviour = read_notes<cudnnBackendBehaviorNote_t>(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE,
                                                            CUDNN_TYPE_BEHAVIOR_NOTE,
                                                            CUDNN_BEHAVIOR_NOTE_TYPE_COUNT);
  return result;
}

bool is_wanted(const Engine& engine, Operands operands) {
  if (engine.has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC)) return false;
  if (engine.has(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION)) return false;
  if (operands != Operands::kFloat32) return true;
  return !engine.has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE) &&
         !engine.has(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS);
}

std::string engine_text(const Engine& engine) {
  std::string text;
  const auto add = [&text](bool is_so, const char* words) {
    if (is_so) text += (text.empty() ? "" : ", ") + std::string(words);
  };
  add(engine.has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE), "tensor cores");
  add(engine.has(CUDNN_NUMERICAL_NOTE_WINOGRAD), "winograd");
  add(engine.has(CUDNN_NUMERICAL_NOTE_FFT), "fft");
  add(std::find(engine.behaviour.begin(), engine.behaviour.end(),
                CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION) != engine.behaviour.end(),
      "compiled at run time");
  return text;
}

/// Nothing when cuDNN finds out only now that it cannot.
std::optional<Descriptor> make_plan(const Descriptor& configuration, const Descriptor& device) {
  Descriptor plan = make_descriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  set(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
  set(plan, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, device);
  if (cudnnBackendFinalize(plan.get()) != CUDNN_STATUS_SUCCESS) return std::nullopt;
  return plan;
}

/// Places of configurations from the heuristics' second list, which is asked when the first has
/// nothing, begin here.
constexpr std::size_t kFallback = 1000;

}  // namespace

/// Makes the plans of one convolution.
class PlanMaker {
 public:
  PlanMaker(const CudnnConvolution& convolution, const Descriptor& device, std::size_t workspace)
      : convolution_(convolution),
        device_(device),
        workspace_(workspace),
        graph_(std::make_shared<Descriptors>(operation_graph(convolution))) {}

  std::vector<Descriptor> configurations(cudnnBackendHeurMode_t mode) const {
    return engine_configurations(graph_->back(), device_, mode);
  }

  /// Nothing when it is not wanted, or cannot be had.
  std::optional<CudnnPlan> make(const Descriptor& configuration, const Engine& engine,
                                std::size_t place) const {
    if (!is_wanted(engine, convolution_.operands)) return std::nullopt;
    std::optional<Descriptor> made = make_plan(configuration, device_);
    if (!made) return std::nullopt;
    std::int64_t count = 0, bytes = 0;
    AFTERGLOW_CUDA(cudnnBackendGetAttribute(made->get(), CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                            CUDNN_TYPE_INT64, 1, &count, &bytes));
    if (bytes < 0 || static_cast<std::size_t>(bytes) > workspace_) return std::nullopt;
    CudnnPlan plan;
    plan.graph_ = graph_;
    plan.plan_ = std::move(*made);
    plan.workspace_ = static_cast<std::size_t>(bytes);
    plan.place_ = place;
    plan.engine_ = engine.index;
    plan.notes_ = engine_text(engine);
    plan.has_bias_ = convolution_.pass == Pass::kForward && convolution_.bias;
    return plan;
  }

 private:
  const CudnnConvolution& convolution_;
  const Descriptor& device_;
  std::size_t workspace_;
  std::shared_ptr<const Descriptors> graph_;
};

std::string CudnnConvolution::name() const {
  const auto number = [](std::int32_t value) { return std::to_string(value); };
  return number(kh) + 'x' + number(kw) + (stride > 1 ? "/" + number(stride) : "") +
         (dilation > 1 ? " dilation " + number(dilation) : "") + ' ' + number(c) + '-' + number(k) +
         ", " + number(n) + " of " + number(h) + 'x' + number(w);
}

std::string CudnnConvolution::key() const {
  std::string text = pass == Pass::kForward        ? "forward"
                     : pass == Pass::kBackwardData ? "backward-data"
                                                   : "backward-weights";
  text += operands == Operands::kFloat32 ? ",fp32"
          : operands == Operands::kTf32  ? ",tf32"
                                         : ",bf16";
  if (bias) text += ",bias";
  if (relu) text += ",relu";
  for (const std::int32_t value :
       {n, h, w, c, oh, ow, k, kh, kw, stride, dilation, pad_top, pad_left}) {
    text += ',' + std::to_string(value);
  }
  return text;
}

CudnnConvolution cudnn_convolution(const Conv2dGeometry& g, Operands operands, Pass pass) {
  return {.pass = pass,
          .operands = operands,
          .n = g.n,
          .h = g.h,
          .w = g.w,
          .c = padded_channels(g.c, operands),
          .oh = g.out_h(),
          .ow = g.out_w(),
          .k = padded_channels(g.k, operands),
          .kh = g.kh,
          .kw = g.kw,
          .stride = g.stride,
          .dilation = g.dilation,
          .pad_top = g.pad_top(),
          .pad_left = g.pad_left()};
}

CudnnConvolution cudnn_convolution(const UpsampleConv2dGeometry& g, Operands operands, Pass pass) {
  return {.pass = pass,
          .operands = operands,
          .n = g.n,
          .h = g.h,
          .w = g.w,
          .c = padded_channels(g.c, operands),
          .oh = g.low_h(),
          .ow = g.low_w(),
          .k = padded_channels(4 * g.k, operands),
          .kh = g.low_taps(),
          .kw = g.low_taps(),
          .pad_top = g.low_pad(),
          .pad_left = g.low_pad()};
}

Descriptor device_properties(cudnnHandle_t handle) {
  Descriptor result = make_descriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  set(result, CUDNN_ATTR_DEVICEPROP_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
  finalize(result);
  return result;
}

Descriptor device_properties(const std::string& json) {
  Descriptor result = make_descriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  set(result, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
      static_cast<std::int64_t>(json.size()), json.data());
  finalize(result);
  return result;
}

std::vector<CudnnPlan> find_plans(const CudnnConvolution& convolution, const Descriptor& device,
                                  std::size_t workspace, std::size_t most) {
  const PlanMaker maker(convolution, device, workspace);
  std::vector<CudnnPlan> plans;
  for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    if (!plans.empty()) break;
    std::size_t place = mode == CUDNN_HEUR_MODE_A ? 0 : kFallback;
    for (const Descriptor& configuration : maker.configurations(mode)) {
      if (plans.size() == most) break;
      std::optional<CudnnPlan> plan = maker.make(configuration, engine_of(configuration), place++);
      if (plan) plans.push_back(std::move(*plan));
    }
  }
  return plans;
}

std::optional<CudnnPlan> find_plan(const CudnnConvolution& convolution, const Descriptor& device,
                                   std::size_t workspace, std::size_t place, std::int64_t engine) {
  const PlanMaker maker(convolution, device, workspace);
  const bool fallback = place >= kFallback;
  const auto configurations =
      maker.configurations(fallback ? CUDNN_HEUR_MODE_FALLBACK : CUDNN_HEUR_MODE_A);
  const std::size_t index = fallback ? place - kFallback : place;
  if (index >= configurations.size()) return std::nullopt;
  const Engine found = engine_of(configurations[index]);
  if (found.index != engine) return std::nullopt;
  return maker.make(configurations[index], found, place);
}

void CudnnPlan::execute(cudnnHandle_t handle, const void* a, const void* b, const void* bias,
                        void* out, void* workspace) const {
  const std::array<std::int64_t, 4> uids{kA, kB, kOut, kBias};
  // cuDNN takes sources and destinations alike as void*.
  const std::array<void*, 4> pointers{const_cast<void*>(a), const_cast<void*>(b), out,
                                      const_cast<void*>(bias)};
  const std::int64_t count = has_bias_ ? 4 : 3;
  const Descriptor pack = make_descriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  set(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, count, uids.data());
  set(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, count, pointers.data());
  set(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
  finalize(pack);
  AFTERGLOW_CUDA(cudnnBackendExecute(handle, plan_.get(), pack.get()));
}

}  // namespace afterglow::cuda
