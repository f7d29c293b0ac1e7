#include "kernels/cuda/convolutions.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <utility>

namespace afterglow::cuda {
namespace {

constexpr std::size_t kWorkspace = std::size_t{256} << 20;
/// Plans of one convolution that are tried: the heuristics' first is mostly within a few percent of
/// the fastest.
constexpr std::size_t kTried = 12;
/// Calls that are timed together: of a short one alone on an idle stream, the host's time to launch
/// it would count.
constexpr int kCalls = 5;
/// Of a call that takes longer, in microseconds, launching it is less than a percent.
constexpr double kLongCall = 500;
/// What the heuristics put first is left for another only when that takes less than this share of
/// its time: timing is not more exact.
constexpr double kClearlyFaster = 0.95;

/// The plans' file: for a device of this name and this cuDNN.
std::filesystem::path store_file(const std::string& device) {
  std::string name = "plans-cudnn" + std::to_string(cudnnGetVersion()) + '-' + device + ".txt";
  for (char& letter : name) {
    const bool plain = (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
                       (letter >= 'A' && letter <= 'Z') || letter == '.';
    if (!plain) letter = '-';
  }
  return cache_file(name);
}

CudnnConvolution bare(CudnnConvolution convolution) {
  convolution.bias = convolution.relu = false;
  return convolution;
}

bool has_epilogue(const CudnnConvolution& convolution) {
  return convolution.bias || convolution.relu;
}

/// Whether cuDNN can write the type that the result has.
bool cudnn_can(const CudnnConvolution& convolution) {
  return (convolution.operands != Operands::kBfloat16) == has_float32_result(convolution);
}

const char* pass_name(Pass pass) {
  switch (pass) {
    case Pass::kForward:
      return "forward";
    case Pass::kBackwardData:
      return "backward data";
    case Pass::kBackwardWeights:
      break;
  }
  return "backward weights";
}

}  // namespace

Convolutions::Convolutions(Context& context)
    : context_(context), products_(context.stream()), store_(store_file(context.description())) {}

void Convolutions::run(const CudnnConvolution& convolution, const ConvolutionMemory& memory) {
  auto found = chosen_.find(convolution);
  if (found == chosen_.end()) {
    Way way = choose(convolution, memory);
    found = chosen_.emplace(convolution, Chosen{std::move(way), chosen_.size()}).first;
  }
  execute(convolution, memory, found->second.way);
}

Convolutions::Way Convolutions::choose(const CudnnConvolution& convolution,
                                       const ConvolutionMemory& memory) {
  if (const std::optional<PlanChoice> known = store_.find(convolution.key())) {
    if (std::optional<Way> found = way(convolution, *known)) return std::move(*found);
  }
  std::optional<Way> first, fastest;
  std::exception_ptr failure;
  for (Way& way : ways(convolution)) {
    try {
      way.choice.microseconds = microseconds([&] { execute(convolution, memory, way); });
    } catch (const RunError&) {
      // A plan that was made and does not run, or no memory for its workspace: another may do. A
      // device that is lost says so again.
      if (!context_.recovers()) throw;
      failure = std::current_exception();
      continue;
    }
    if (!first) {
      first = std::move(way);
    } else if (!fastest || way.choice.microseconds < fastest->choice.microseconds) {
      fastest = std::move(way);
    }
  }
  if (!first && failure) std::rethrow_exception(failure);
  if (!first) throw Unsupported("cudnn has no deterministic plan for " + convolution.key());
  const bool other =
      fastest && fastest->choice.microseconds < kClearlyFaster * first->choice.microseconds;
  Way& best = other ? *fastest : *first;
  store_.add(convolution.key(), best.choice);
  return std::move(best);
}

std::optional<Convolutions::Way> Convolutions::way(const CudnnConvolution& convolution,
                                                   const PlanChoice& known) const {
  if (known.method == Method::kProduct) {
    if (!is_matrix_product(convolution)) return std::nullopt;
    return Way{known, {}};
  }
  if (!cudnn_can(convolution)) return std::nullopt;
  const bool fused = known.method == Method::kFused;
  if (fused && !has_epilogue(convolution)) return std::nullopt;
  auto plan = find_plan(fused ? convolution : bare(convolution), context_.cudnn_device(),
                        kWorkspace, known.place, known.engine);
  if (!plan) return std::nullopt;
  return Way{known, std::move(*plan)};
}

std::vector<Convolutions::Way> Convolutions::ways(const CudnnConvolution& convolution) const {
  std::vector<Way> all;
  for (const Method method : {Method::kFused, Method::kBare, Method::kProduct}) {
    for (Way& way : ways(convolution, method)) all.push_back(std::move(way));
  }
  return all;
}

std::vector<Convolutions::Way> Convolutions::ways(const CudnnConvolution& convolution,
                                                  Method method) const {
  std::vector<Way> result;
  if (method == Method::kProduct) {
    if (is_matrix_product(convolution)) result.push_back({{.method = method}, {}});
    return result;
  }
  if (!cudnn_can(convolution)) return result;
  const bool fused = method == Method::kFused;
  if (fused && !has_epilogue(convolution)) return result;
  for (CudnnPlan& plan : find_plans(fused ? convolution : bare(convolution),
                                    context_.cudnn_device(), kWorkspace, kTried)) {
    const PlanChoice choice{method, plan.place(), plan.engine(), 0};
    result.push_back({choice, std::move(plan)});
  }
  return result;
}

double Convolutions::microseconds(const std::function<void()>& work) {
  work();  // loads what a plan consists of
  const double once = microseconds(work, 1);
  return once > kLongCall ? once : microseconds(work, kCalls);
}

double Convolutions::microseconds(const std::function<void()>& work, int calls) {
  const EventHandle start = make_event(true), stop = make_event(true);
  const cudaStream_t stream = context_.stream();
  AFTERGLOW_CUDA(cudaEventRecord(start.get(), stream));
  for (int call = 0; call < calls; ++call) work();
  AFTERGLOW_CUDA(cudaEventRecord(stop.get(), stream));
  AFTERGLOW_CUDA(cudaEventSynchronize(stop.get()));
  float milliseconds = 0;
  AFTERGLOW_CUDA(cudaEventElapsedTime(&milliseconds, start.get(), stop.get()));
  return 1e3 * static_cast<double>(milliseconds) / calls;
}

void Convolutions::execute(const CudnnConvolution& convolution, const ConvolutionMemory& memory,
                           const Way& way) {
  const bool product = way.choice.method == Method::kProduct;
  const auto workspace =
      context_.scratch<std::byte>(product ? MatrixProducts::kWorkspace : way.plan.workspace());
  if (product) {
    products_.run(convolution, memory.a, memory.b, memory.out, workspace.data());
  } else {
    way.plan.execute(context_.cudnn(), memory.a, memory.b, memory.bias, memory.out,
                     workspace.data());
  }
  if (way.choice.method == Method::kFused || !has_epilogue(convolution)) return;
  const ChannelGeometry g{std::int64_t{convolution.n} * convolution.oh * convolution.ow,
                          convolution.k};
  const Activation activation = convolution.relu ? Activation::kRelu : Activation::kNone;
  const auto add = [&]<typename T>(T* y) {
    add_bias<T>(context_.stream(), g, memory.bias_values, activation, y, y);
  };
  if (convolution.operands == Operands::kBfloat16) {
    add(static_cast<bfloat16*>(memory.out));
  } else {
    add(static_cast<float*>(memory.out));
  }
  check_launch("add_bias");
}

std::vector<ConvolutionPlan> Convolutions::plans() const {
  std::vector<ConvolutionPlan> result(chosen_.size());
  for (const auto& [convolution, chosen] : chosen_) {
    const auto& [choice, plan] = chosen.way;
    std::string algorithm = choice.method == Method::kProduct
                                ? "cublas"
                                : "cudnn engine " + std::to_string(plan.engine());
    if (!plan.notes().empty()) algorithm += ", " + plan.notes();
    if (has_epilogue(convolution)) {
      algorithm += choice.method == Method::kFused ? ", epilogue fused" : ", epilogue apart";
    }
    char time[32];
    std::snprintf(time, sizeof time, ", %.1f us", choice.microseconds);
    result[chosen.order] = {convolution.name(), pass_name(convolution.pass), algorithm + time};
  }
  return result;
}

}  // namespace afterglow::cuda
