// The real cuDNN as judge, on machines without a card: for every pass that a training step or a
// frame of the networks runs, and a frame of the pretrained colorizer, a deterministic plan must
// finalize for compute capability 9.0, with a workspace of up to 256 MiB.
//
//   plans_sm90 DEVICE.json [--markdown FILE]
// Exit code 1 when one does not, 77 without a cuDNN that can be used.
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "data/steady_planes.hpp"
#include "data/steady_streams.hpp"
#include "kernels/cuda/cudnn_graph.hpp"
#include "kernels/cuda/libraries.hpp"
#include "nn/models/colorization_model.hpp"
#include "nn/models/eccv16.hpp"
#include "nn/models/steady.hpp"
#include "nn/ops/ops.hpp"
#include "nn/recurrent_colorizer.hpp"
#include "nn/steady_colorizer.hpp"
#include "support/forwarding_backend.hpp"
#include "support/steady_clip.hpp"

namespace afterglow {
namespace {

constexpr std::size_t kWorkspace = std::size_t{256} << 20;
constexpr std::size_t kTried = 12;  // as the backend tries

/// What a network asks of its convolutions, in float32.
class Geometries final : public test::ForwardingBackend {
 public:
  using Convolutions = std::vector<cuda::CudnnConvolution>;

  explicit Geometries(std::set<cuda::CudnnConvolution>& seen)
      : ForwardingBackend(make_cpu_backend()), seen_(seen) {}

  void conv2d(const Conv2dGeometry& g, Source x, Kernel w, const Epilogue& epilogue,
              Destination y) override {
    see(g, cuda::Pass::kForward, !epilogue.b.empty(), epilogue.activation == Activation::kRelu);
    ForwardingBackend::conv2d(g, x, w, epilogue, y);
  }
  void conv2d_backward_data(const Conv2dGeometry& g, Source dy, Source relu, Kernel w,
                            Destination dx) override {
    see(g, cuda::Pass::kBackwardData);
    ForwardingBackend::conv2d_backward_data(g, dy, relu, w, dx);
  }
  void conv2d_backward_weights(const Conv2dGeometry& g, Source x, Source dy, Destination dw,
                               Destination db) override {
    see(g, cuda::Pass::kBackwardWeights);
    ForwardingBackend::conv2d_backward_weights(g, x, dy, dw, db);
  }
  void conv2d_max_pool(const Conv2dGeometry& g, Source x, Kernel w, Source b, Destination y,
                       std::span<std::uint8_t> winners) override {
    see(g, cuda::Pass::kForward, !b.empty());
    ForwardingBackend::conv2d_max_pool(g, x, w, b, y, winners);
  }
  void conv2d_max_pool_backward_data(const Conv2dGeometry& g, Source dy,
                                     std::span<const std::uint8_t> winners, Kernel w,
                                     Destination dx) override {
    see(g, cuda::Pass::kBackwardData);
    ForwardingBackend::conv2d_max_pool_backward_data(g, dy, winners, w, dx);
  }
  void upsample_conv2d(const UpsampleConv2dGeometry& g, Source x, Kernel w,
                       const Epilogue& epilogue, Destination y) override {
    see(g, cuda::Pass::kForward);
    ForwardingBackend::upsample_conv2d(g, x, w, epilogue, y);
  }
  void upsample_conv2d_backward_data(const UpsampleConv2dGeometry& g, Source dy, Kernel w,
                                     Destination dx) override {
    see(g, cuda::Pass::kBackwardData);
    ForwardingBackend::upsample_conv2d_backward_data(g, dy, w, dx);
  }
  void upsample_conv2d_backward_weights(const UpsampleConv2dGeometry& g, Source x, Source dy,
                                        Destination dw, Destination db) override {
    see(g, cuda::Pass::kBackwardWeights);
    ForwardingBackend::upsample_conv2d_backward_weights(g, x, dy, dw, db);
  }

 private:
  template <typename Geometry>
  void see(const Geometry& g, cuda::Pass pass, bool bias = false, bool relu = false) {
    for (const auto operands :
         {cuda::Operands::kFloat32, cuda::Operands::kTf32, cuda::Operands::kBfloat16}) {
      cuda::CudnnConvolution convolution = cuda::cudnn_convolution(g, operands, pass);
      convolution.bias = bias;
      convolution.relu = relu && bias;
      seen_.insert(convolution);
    }
  }

  std::set<cuda::CudnnConvolution>& seen_;
};

/// A network's training steps of one frame and of 16, and its frame.
void steps_and_frame(const ModelSpec& spec, const std::shared_ptr<Backend>& backend) {
  const auto model = make_model(backend, spec, 1);
  for (const std::int64_t batch : {1, 16}) {
    model->train(true);
    const Variable y =
        model->forward(Variable(Tensor::zeros(backend, {batch, kNetworkSize, kNetworkSize, 6})));
    backward(y, Tensor::zeros(backend, y.shape()));
  }
  RecurrentColorizer(*model, Previous::kOwn)
      .step(Tensor::zeros(backend, {1, kNetworkSize, kNetworkSize, 3}));
}

/// The same of the steady network: its cut-outs in training, one stream, the eight of the default
/// and 16; a frame of 16:9.
void steady_steps_and_frame(const std::shared_ptr<Backend>& backend) {
  const auto model = make_steady(backend, SteadyArch::kSteady, 1);
  const StreamOptions cut_out;
  for (const std::int64_t streams : {1, cut_out.streams, 16}) {
    // Of two frames, or no gradient would go through the first layer.
    const test::SteadyClip clip(backend, streams, cut_out.height / 2, cut_out.width / 2);
    test::backward_steady(*model, clip, 2);
  }
  const test::SteadyClip film(backend, 1, kSteadyLongSide * 9 / 16 / 2, kSteadyLongSide / 2);
  SteadyColorizer(*model).step(film.frame(0));
}

/// A frame of the pretrained colorizer, at the sides that both of its files are given.
void pretrained_frame(const std::shared_ptr<Backend>& backend) {
  Eccv16 network(backend);
  const NoGradient inference;
  for (const std::int64_t side : {224, 256}) {
    network.forward(Variable(Tensor::zeros(backend, {1, side, side, 1})));
  }
}

std::string read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Table {
  std::ostringstream text;
  int convolutions = 0;
  int without = 0;
};

/// The convolutions of what `work` computes.
void add_rows(Table& table, const std::string& title, const cuda::Descriptor& device,
              const std::function<void(const std::shared_ptr<Backend>&)>& work) {
  std::set<cuda::CudnnConvolution> convolutions;
  work(std::make_shared<Geometries>(convolutions));
  table.text << "\n## " << title << "\n\n"
             << "| convolution | pass | operands | plans | first engine | workspace, KiB | notes "
                "|\n|---|---|---|---|---|---|---|\n";
  for (const cuda::CudnnConvolution& convolution : convolutions) {
    const auto plans = cuda::find_plans(convolution, device, kWorkspace, kTried);
    ++table.convolutions;
    if (plans.empty()) {
      ++table.without;
      std::printf("no plan: %s\n", convolution.key().c_str());
    }
    const std::string key = convolution.key();
    const std::string pass = key.substr(0, key.find(','));
    const char* operands[] = {"fp32", "tf32", "bf16"};
    table.text << "| " << convolution.name() << " | " << pass
               << (convolution.relu   ? ", bias, relu"
                   : convolution.bias ? ", bias"
                                      : "")
               << " | " << operands[static_cast<int>(convolution.operands)] << " | " << plans.size()
               << " | ";
    if (plans.empty()) {
      table.text << "none | | |\n";
    } else {
      table.text << plans[0].engine() << " | " << (plans[0].workspace() + 1023) / 1024 << " | "
                 << plans[0].notes() << " |\n";
    }
  }
}

int run(const std::string& json, const std::string& markdown) {
  const cuda::Descriptor device = cuda::device_properties(read(json));
  Table table;
  for (const Arch arch : {Arch::kVgg16, Arch::kAlexnet}) {
    for (const Decoder decoder : {Decoder::kUpsample, Decoder::kDeconv}) {
      const ModelSpec spec{arch, decoder};
      add_rows(table, std::string(arch_name(arch)) + ", " + decoder_name(decoder) + " decoder",
               device, [&](const auto& backend) { steps_and_frame(spec, backend); });
    }
  }
  add_rows(table, "steady", device, steady_steps_and_frame);
  add_rows(table, "eccv16", device, pretrained_frame);
  std::printf("cuDNN %zu: %d convolutions, %d without a plan for compute capability 9.0\n",
              cudnnGetVersion(), table.convolutions, table.without);
  if (!markdown.empty()) {
    std::ofstream file(markdown);
    file
        << "# cuDNN's plans for compute capability 9.0\n\n"
        << "For every convolution of a training step of 1 and of 16 frames and of a frame, and of "
           "a frame of the pretrained colorizer,\nwhat cuDNN "
        << cudnnGetVersion() << " offers an H100 (described by `tests/plans/sm90.json`; no card "
        << "was present): deterministic plans with a\nworkspace of up to 256 MiB, 12 at most, "
        << "and the one that its heuristics put first. fp32 leaves out the tensor cores. Which "
        << "is\nthe fastest is measured on the card itself, at first use. Channels are padded to "
        << "multiples of 8 in bf16.\n\nThe steady network takes films of any shape: judged are "
        << "its cut-outs in training (160x128 pixels, planes 80x64) of 1, 8 (the\ndefault) and "
        << "16 streams, and a frame of a film in 16:9 (256x144, planes 128x72). In bf16 its "
        << "`output` and `gain` layers, whose\nresults stay float32, run as tf32. `flow-average` "
        << "has the `gain` layer alone.\n\nMade by `build/release/plans_sm90 tests/plans/sm90.json "
        << "--markdown docs/plans-sm90.md`.\n"
        << table.text.str();
    if (!file.flush()) return 1;
  }
  return table.without == 0 ? 0 : 1;
}

}  // namespace
}  // namespace afterglow

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool writes = arguments.size() == 3 && arguments[1] == "--markdown";
  if (arguments.size() != 1 && !writes) {
    std::fprintf(stderr, "usage: plans_sm90 DEVICE.json [--markdown FILE]\n");
    return 2;
  }
  if (const std::string reason = afterglow::cuda::problem_of_cudnn(); !reason.empty()) {
    std::printf("SKIPPED: %s\n", reason.c_str());
    return 77;  // the test's SKIP_RETURN_CODE
  }
  try {
    return afterglow::run(arguments[0], writes ? arguments[2] : "");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "plans_sm90: %s\n", error.what());
    return 1;
  }
}
