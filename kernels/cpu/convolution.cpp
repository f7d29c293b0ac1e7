#include "kernels/cpu/convolution.hpp"

#include <cassert>
#include <optional>
#include <utility>

#include "kernels/cpu/backward_data.hpp"
#include "kernels/cpu/gemm_convolution.hpp"
#include "kernels/cpu/narrow_convolution.hpp"
#include "kernels/cpu/panel_product.hpp"
#include "kernels/cpu/winograd.hpp"

namespace afterglow {

namespace {

// The same tensor may be the kernel of different ops, or behind an upsample.
std::string prepared_name(const std::string& what, const ConvolutionShape& s) {
  return what + ' ' + std::to_string(s.kh) + 'x' + std::to_string(s.kw) + ' ' +
         std::to_string(s.c) + '-' + std::to_string(s.k);
}

std::string prepared_for(const WinogradTiles& tiles) {
  return tiles.late ? "late winograd" : "winograd " + std::to_string(tiles.side);
}

const char* pass_name(ConvolutionPass pass) {
  if (pass == ConvolutionPass::kBackwardData) return "backward data";
  return pass == ConvolutionPass::kBackwardWeights ? "backward weights" : "forward";
}

}  // namespace

ConvolutionCache::ConvolutionCache(std::function<Buffer(std::size_t)> allocate,
                                   ConvolutionChoice choice, Precision precision)
    : allocate_(std::move(allocate)), choice_(choice), precision_(precision) {}

ConvolutionCache::~ConvolutionCache() = default;

ConvolutionAlgorithm ConvolutionCache::algorithm(const ConvolutionShape& s, ConvolutionPass pass,
                                                 bool constant) {
  const auto [place, is_new] = algorithms_.try_emplace({s, pass, constant});
  if (is_new) {
    place->second = choose_algorithm(s, pass, constant, choice_, precision_);
    plans_.push_back({s, pass, place->second});
  }
  return place->second;
}

std::vector<ConvolutionPlan> ConvolutionCache::plans() const {
  const auto number = [](std::int32_t value) { return std::to_string(value); };
  std::vector<ConvolutionPlan> result;
  for (const auto& [s, pass, algorithm] : plans_) {
    result.push_back(
        {number(s.kh) + 'x' + number(s.kw) + (s.stride > 1 ? "/" + number(s.stride) : "") +
             (s.dilation > 1 ? " dilation " + number(s.dilation) : "") + ' ' + number(s.c) + '-' +
             number(s.k) + ", " + number(s.n) + " of " + number(s.h) + 'x' + number(s.w),
         pass_name(pass), algorithm_name(s, algorithm)});
  }
  return result;
}

OneDnnConvolution& ConvolutionCache::primitive(const ConvolutionKey& key) {
  std::unique_ptr<OneDnnConvolution>& place = primitives_[key];
  if (!place) place = std::make_unique<OneDnnConvolution>(key);
  return *place;
}

void ConvolutionCache::run_direct(const ConvolutionKey& key, Source src, const Kernel& w, Source b,
                                  Destination dst) {
  const OneDnnConvolution& convolution = primitive(key);
  ConvolutionTensors tensors;
  tensors.w = w.values.data();
  Scratch reordered;
  if (convolution.kernel_size() > 0) {
    const ConvolutionShape& s = key.shape;
    const std::string name = prepared_name(
        "direct " + std::to_string(int(key.pass)) + ' ' + convolution.kernel_format(), s);
    reordered = prepare(w, name, convolution.kernel_size(), [&](float* to) {
      convolution.reorder_kernel(w.values.data(), to, allocate_);
    });
    tensors.w = reordered.data();
  }
  (key.pass == ConvolutionPass::kBackwardData ? tensors.dy : tensors.x) = src.data();
  (key.pass == ConvolutionPass::kBackwardData ? tensors.dx : tensors.y) = dst.data();
  if (!b.empty()) tensors.b = b.data();
  convolution.run(tensors, allocate_);
}

bool ConvolutionCache::fuses(const ConvolutionShape& s, ConvolutionPass pass, bool constant,
                             Fusion fusion) {
  const ConvolutionAlgorithm chosen = algorithm(s, pass, constant);
  const auto side = std::int32_t(points_a_side(chosen));
  if (fusion == Fusion::kNone && pass == ConvolutionPass::kBackwardData) {
    return side > 0 || chosen == ConvolutionAlgorithm::kNarrow;
  }
  if (side == 0 || fusion == Fusion::kNone) return false;
  if (fusion == Fusion::kDepthToSpace) return s.k % (4 * std::int32_t{kWinogradChannels}) == 0;
  const bool whole_windows = pass != ConvolutionPass::kForward || (side - s.kh + 1) % 2 == 0;
  return pass != ConvolutionPass::kBackwardWeights && whole_windows && s.oh % 2 == 0 &&
         s.ow % 2 == 0 && s.dilation == 1;
}

void ConvolutionCache::forward(const ConvolutionShape& s, Source x, Kernel w,
                               const ConvolutionOutput& y) {
  assert(y.fusion == Fusion::kNone ||
         fuses(s, ConvolutionPass::kForward, w.prepared != nullptr, y.fusion));
  assert(y.fusion != Fusion::kMaxPool || y.norm.empty());
  const ConvolutionAlgorithm chosen =
      algorithm(s, ConvolutionPass::kForward, w.prepared != nullptr);
  switch (chosen) {
    case ConvolutionAlgorithm::kWinograd4:
    case ConvolutionAlgorithm::kWinograd6:
    case ConvolutionAlgorithm::kLateWinograd4:
    case ConvolutionAlgorithm::kLateWinograd6: {
      const WinogradTiles tiles = tiles_of(s, chosen);
      const Scratch u =
          prepare(w, prepared_name(prepared_for(tiles), s), winograd_kernel_size(tiles),
                  [&](float* to) { winograd_prepare_kernel(tiles, w.values.data(), to); });
      winograd_forward(tiles, {x}, u.span(), y, scratch(winograd_forward_scratch(tiles)).span());
      return;
    }
    case ConvolutionAlgorithm::kProduct:
      if (w.prepared != nullptr && s.k % kPanelColumns == 0 && product_is_fast()) {
        const auto depth = std::size_t(window_size(s)), columns = std::size_t(s.k);
        const Scratch panels =
            prepare(w, prepared_name("panels", s), packed_panels_size(depth, columns),
                    [&](float* to) { pack_panels(depth, columns, w.values.data(), to); });
        gemm_forward_packed(s, x, panels.span(), y.b, y.activation, scratch(windows_size(s)).span(),
                            y.y);
      } else {
        gemm_forward(s, x, w.values, y.b, y.activation, scratch(windows_size(s)).span(), y.y);
      }
      break;
    case ConvolutionAlgorithm::kNarrow:  // has no forward pass
    case ConvolutionAlgorithm::kDirect:
    case ConvolutionAlgorithm::kBfloat16:
      run_direct({s, ConvolutionPass::kForward, y.activation, !y.b.empty(),
                  chosen == ConvolutionAlgorithm::kBfloat16},
                 x, w, y.b, y.y);
      break;
  }
  if (!y.norm.empty()) apply_affine({std::int64_t{s.n} * s.oh * s.ow, s.k}, y.y, y.norm, y.y);
}

void ConvolutionCache::backward_data(const ConvolutionShape& s, const ConvolutionGradient& dy,
                                     Kernel w, Destination dx) {
  const std::optional<ConvolutionShape> low = doubling(s);
  const bool constant = w.prepared != nullptr;
  if (low &&
      points_a_side(
          choose_algorithm(*low, ConvolutionPass::kForward, constant, choice_, precision_)) > 0 &&
      fuses(*low, ConvolutionPass::kForward, constant, Fusion::kDepthToSpace)) {
    assert(dy.fusion == Fusion::kNone && dy.relu.empty());
    const Scratch phases = prepare(w, prepared_name("phases", s), w.values.size(),
                                   [&](float* to) { phase_kernel(s, w.values.data(), to); });
    forward(*low, dy.dy, {phases.span(), w.prepared}, {.y = dx, .fusion = Fusion::kDepthToSpace});
    return;
  }
  const ConvolutionAlgorithm chosen = algorithm(s, ConvolutionPass::kBackwardData, constant);
  assert(points_a_side(chosen) > 0 || dy.fusion == Fusion::kNone);
  assert(points_a_side(chosen) > 0 || chosen == ConvolutionAlgorithm::kNarrow || dy.relu.empty());
  switch (chosen) {
    case ConvolutionAlgorithm::kWinograd4:
    case ConvolutionAlgorithm::kWinograd6:
    case ConvolutionAlgorithm::kLateWinograd4:
    case ConvolutionAlgorithm::kLateWinograd6: {
      const WinogradTiles tiles = tiles_of(turned(s), chosen);
      const Scratch u = prepare(w, prepared_name("turned " + prepared_for(tiles), s),
                                winograd_kernel_size(tiles), [&](float* to) {
                                  const Scratch kernel = scratch(w.values.size());
                                  turn_kernel(s, w.values.data(), kernel.data());
                                  winograd_prepare_kernel(tiles, kernel.data(), to);
                                });
      winograd_forward(tiles, dy, u.span(), {.y = dx},
                       scratch(winograd_forward_scratch(tiles)).span());
      return;
    }
    case ConvolutionAlgorithm::kProduct:
      gemm_backward_data(s, dy.dy, w.values, scratch(windows_size(s)).span(), dx);
      return;
    case ConvolutionAlgorithm::kNarrow:
      narrow_backward_data(s, dy.dy, dy.relu, w.values, dx);
      return;
    case ConvolutionAlgorithm::kDirect:
    case ConvolutionAlgorithm::kBfloat16:
      break;
  }
  ConvolutionKey key{s, ConvolutionPass::kBackwardData};
  key.bfloat16 = chosen == ConvolutionAlgorithm::kBfloat16;
  if (s.stride != 1) {
    run_direct(key, dy.dy, w, {}, dx);
    return;
  }
  key.shape = turned(s);
  key.pass = ConvolutionPass::kForwardTransposed;
  if (s.kh * s.kw == 1) {
    run_direct(key, dy.dy, w, {}, dx);
    return;
  }
  const Scratch reversed = prepare(w, prepared_name("reversed", s), w.values.size(),
                                   [&](float* to) { reverse_taps(s, w.values.data(), to); });
  run_direct(key, dy.dy, {reversed.span(), w.prepared}, {}, dx);
}

void ConvolutionCache::backward_weights(const ConvolutionShape& s, Source x,
                                        const ConvolutionGradient& dy, Destination dw) {
  const ConvolutionAlgorithm chosen = algorithm(s, ConvolutionPass::kBackwardWeights, false);
  assert(dy.relu.empty() && (points_a_side(chosen) > 0 || dy.fusion == Fusion::kNone));
  switch (chosen) {
    case ConvolutionAlgorithm::kWinograd4:
    case ConvolutionAlgorithm::kWinograd6: {
      const WinogradTiles tiles = tiles_of(s, chosen);
      winograd_backward_weights(tiles, x, dy,
                                scratch(winograd_backward_weights_scratch(tiles)).span(), dw);
      return;
    }
    case ConvolutionAlgorithm::kProduct:
      gemm_backward_weights(s, x, dy.dy, scratch(windows_size(s)).span(), dw);
      return;
    case ConvolutionAlgorithm::kNarrow:
      narrow_backward_weights(s, x, dy.dy, scratch(narrow_backward_weights_scratch(s)).span(), dw);
      return;
    case ConvolutionAlgorithm::kLateWinograd4:  // forward alone
    case ConvolutionAlgorithm::kLateWinograd6:
    case ConvolutionAlgorithm::kDirect:
    case ConvolutionAlgorithm::kBfloat16:
      break;
  }
  ConvolutionTensors tensors;
  tensors.x = x.data();
  tensors.dy = dy.dy.data();
  tensors.dw = dw.data();
  ConvolutionKey key{s, ConvolutionPass::kBackwardWeights};
  key.bfloat16 = chosen == ConvolutionAlgorithm::kBfloat16;
  primitive(key).run(tensors, allocate_);
}

Scratch ConvolutionCache::scratch(std::size_t count) const {
  return Scratch(allocate_(count * sizeof(float)), count);
}

}  // namespace afterglow
