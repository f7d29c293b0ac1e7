// Memory, recording, and what is left of the small functions.
#include "kernels/cuda/cuda_backend.hpp"

#include <utility>

namespace afterglow::cuda {
namespace {

Operands operands_of(Precision precision) {
  switch (precision) {
    case Precision::kTf32:
      return Operands::kTf32;
    case Precision::kBfloat16:
      return Operands::kBfloat16;
    case Precision::kFloat32:
      break;
  }
  return Operands::kFloat32;
}

const char* name_of(Operands operands) {
  switch (operands) {
    case Operands::kTf32:
      return "tf32";
    case Operands::kBfloat16:
      return "bf16";
    case Operands::kFloat32:
      break;
  }
  return "fp32";
}

/// A CUDA graph and the memory that its work uses, which other recordings' work uses, too: a replay
/// overwrites what others left there.
class GraphRecording final : public Recording {
 public:
  GraphRecording(const Context& context, std::shared_ptr<Arena> arena, std::vector<Buffer> kept,
                 GraphExecHandle graph)
      : context_(context),
        arena_(std::move(arena)),
        kept_(std::move(kept)),
        graph_(std::move(graph)) {}

  void replay() override { AFTERGLOW_CUDA(cudaGraphLaunch(graph_.get(), context_.stream())); }

 private:
  const Context& context_;
  std::shared_ptr<Arena> arena_;
  std::vector<Buffer> kept_;
  GraphExecHandle graph_;
};

/// The stream's work goes into a graph until finish(); without it, what was captured is dropped.
class Capture {
 public:
  explicit Capture(cudaStream_t stream) : stream_(stream) {
    AFTERGLOW_CUDA(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal));
  }
  ~Capture() {
    if (finished_) return;
    cudaGraph_t graph = nullptr;
    (void)dismissed(cudaStreamEndCapture(stream_, &graph));
    const GraphHandle dropped(graph);
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  GraphHandle finish() {
    finished_ = true;
    cudaGraph_t graph = nullptr;
    AFTERGLOW_CUDA(cudaStreamEndCapture(stream_, &graph));
    return GraphHandle(graph);
  }

 private:
  cudaStream_t stream_;
  bool finished_ = false;
};

/// Sets a value for as long as it lives.
template <typename Undo>
class AtEnd {
 public:
  explicit AtEnd(Undo undo) : undo_(std::move(undo)) {}
  ~AtEnd() { undo_(); }
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;

 private:
  Undo undo_;
};

}  // namespace

CudaBackend::CudaBackend(int device, Precision precision, bool graphs)
    : operands_(operands_of(precision)),
      graphs_(graphs),
      context_(device),
      convolutions_(context_) {}

CudaBackend::~CudaBackend() = default;

Device CudaBackend::device() const { return {Device::Kind::kCuda, context_.device()}; }

std::string CudaBackend::description() const {
  return "cuda:" + std::to_string(context_.device()) + ": " + context_.description() + ", " +
         name_of(operands_);
}

ValueType CudaBackend::activation_type() const {
  return operands_ == Operands::kBfloat16 ? ValueType::kBfloat16 : ValueType::kFloat32;
}

Buffer CudaBackend::allocate(std::size_t bytes) { return context_.arena().allocate(bytes); }

void CudaBackend::copy_from_host(std::span<const std::byte> host, std::byte* device) {
  if (recording_) throw Error("a recording copies nothing from the host");
  context_.transfers().to_device(context_.stream(), host, device);
}

void CudaBackend::copy_to_host(const std::byte* device, std::span<std::byte> host) {
  if (recording_) throw Error("a recording copies nothing to the host");
  context_.transfers().to_host(context_.stream(), device, host);
}

MemoryReport CudaBackend::memory() const { return context_.memory(); }

std::vector<ConvolutionPlan> CudaBackend::convolution_plans() const {
  return convolutions_.plans();
}

std::unique_ptr<Recording> CudaBackend::record(const std::function<void()>& work) {
  if (!graphs_) return nullptr;
  // What the work used when it ran as it is goes to the recordings.
  AFTERGLOW_CUDA(cudaStreamSynchronize(context_.stream()));
  context_.eager_arena().give_back_free_segments();
  // Not the memory of eager work: at a replay, what the graph's work had in hand when it was
  // recorded may long be somebody else's. Between replays nothing in it counts, so that all
  // recordings share it.
  auto arena = context_.arena_for_recordings();
  GraphHandle graph;
  {
    context_.record_into(arena);
    recording_ = true;
    kept_for_recording_.clear();
    prepared_here_.clear();
    const AtEnd undo([&] {
      recording_ = false;
      context_.record_into(nullptr);
    });
    Capture capture(context_.stream());
    work();
    graph = capture.finish();
  }
  cudaGraphExec_t exec = nullptr;
  AFTERGLOW_CUDA(cudaGraphInstantiate(&exec, graph.get(), 0));
  return std::make_unique<GraphRecording>(
      context_, std::move(arena), std::exchange(kept_for_recording_, {}), GraphExecHandle(exec));
}

}  // namespace afterglow::cuda
