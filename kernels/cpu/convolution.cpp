#include "kernels/cpu/convolution.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <optional>
#include <utility>

#include "kernels/cpu/gemm_convolution.hpp"
#include "kernels/cpu/narrow_convolution.hpp"
#include "kernels/cpu/panel_product.hpp"
#include "kernels/cpu/strips.hpp"
#include "kernels/cpu/winograd.hpp"

namespace afterglow {

namespace {

// The model behind choose_algorithm counts floating-point operations, and bytes that cross the
// memory bus as so many of them. Its constants were fitted to the layers of both networks at batch
// 1 and 16 (docs/performance.md).
constexpr double kFlopPerByte = 20;

// With outputs that fill whole vectors.
double flop_of(const ConvolutionShape& s) {
  return 2.0 * s.n * s.oh * s.ow * double(winograd_padded(std::size_t(s.k))) * s.kh * s.kw * s.c;
}

// Gathering the windows costs in proportion to the pixels, reordering the kernel for oneDNN's
// convolution in proportion to its outputs.
bool is_product(const ConvolutionShape& s) {
  constexpr double kPixelsPerOutput = 2.5;
  return double(s.n) * s.oh * s.ow <= kPixelsPerOutput * s.k;
}

// `touched`: how often the bytes of the kernel cross the memory bus.
double plain_cost(const ConvolutionShape& s, double touched) {
  constexpr double kShare = 0.9;  // of the machine's rate
  return flop_of(s) / kShare + kFlopPerByte * touched * sizeof(float) * double(s.w_size());
}

// With packed panels a product fetches them ahead.
double product_cost(const ConvolutionShape& s, ConvolutionPass pass, bool constant) {
  return plain_cost(s, constant && pass == ConvolutionPass::kForward ? 0.5 : 1);
}

double direct_cost(const ConvolutionShape& s, bool constant) {
  return plain_cost(s, constant ? 1 : 3);  // read, written reordered, read
}

bool is_late(ConvolutionAlgorithm algorithm) {
  return algorithm == ConvolutionAlgorithm::kLateWinograd4 ||
         algorithm == ConvolutionAlgorithm::kLateWinograd6;
}

WinogradTiles tiles_of(const ConvolutionShape& s, ConvolutionAlgorithm algorithm) {
  return {s, points_a_side(algorithm), is_late(algorithm)};
}

// Bytes read and written to turn a kernel.
double turned_bytes(const ConvolutionShape& s, ConvolutionPass pass, bool constant) {
  constexpr double kTouched = 3;  // read, written, read
  const bool turns = pass == ConvolutionPass::kBackwardData && !constant;
  return turns ? kTouched * sizeof(float) * double(s.w_size()) : 0;
}

// What a pass of Winograd's does between its transforms, and the bytes of tiles that it transforms.
struct WinogradWork {
  double pairs;  // of an input and an output, over all points
  double flop, transformed;

  explicit WinogradWork(const WinogradTiles& tiles) {
    const ConvolutionShape& s = tiles.shape;
    const double count = double(tiles.count()), points = double(tiles.points());
    const double k = double(winograd_padded(std::size_t(s.k)));
    pairs = points * s.c * k;
    flop = 2 * count * pairs;
    transformed = 2.0 * sizeof(float) * count * points * (s.c + k);
  }
};

double winograd_cost(const WinogradTiles& tiles, ConvolutionPass pass, bool constant) {
  constexpr double kShare = 0.87;                      // of the machine's rate
  constexpr double kInCache = 0.4, kInOwnCache = 0.1;  // what a byte there costs
  const WinogradWork work(tiles);
  const bool weights = pass == ConvolutionPass::kBackwardWeights;
  const double weight = !weights && winograd_fits_own_cache(tiles) ? kInOwnCache : kInCache;
  // Read ahead, or summed up, or written and read again.
  const double touched = constant ? 0.75 : weights ? 2 : 3;
  const double kernel =
      sizeof(float) * work.pairs * touched + turned_bytes(tiles.shape, pass, constant);
  return work.flop / kShare + kFlopPerByte * (weight * work.transformed + kernel);
}

// Of a forward pass whose kernel is transformed as it is used, or of such a one backward to data.
double late_winograd_cost(const WinogradTiles& tiles, ConvolutionPass pass, bool constant) {
  constexpr double kShare = 0.8;     // of the machine's rate
  constexpr double kInCache = 0.25;  // what a byte there costs
  constexpr double kTransform = 11;  // operations for a point of a pair
  const WinogradWork work(tiles);
  const double chunks = double(winograd_chunks(tiles));
  const double touched = 0.5 * chunks + (constant ? 0 : 2.5);  // fetched ahead; packed before
  const double kernel = sizeof(float) * double(tiles.shape.w_size()) * touched +
                        turned_bytes(tiles.shape, pass, constant);
  return work.flop / kShare + kTransform * chunks * work.pairs +
         kFlopPerByte * (kInCache * work.transformed + kernel);
}

// With vectors along the other side's channels.
double narrow_cost(const ConvolutionShape& s) {
  constexpr double kShare = 0.7;  // of the machine's rate
  return 2.0 * s.n * s.oh * s.ow * s.k * s.kh * s.kw * s.c / kShare;
}

// Rounded to bfloat16. Backward data at stride 1 is a forward pass.
double bfloat16_cost(const ConvolutionShape& s, ConvolutionPass pass, bool constant,
                     const Bfloat16Rates& rates) {
  constexpr double kFewestInputs = 32;    // that fill a tile
  constexpr double kInCache = 0.4;        // what a byte there costs
  constexpr double kRounded = 4 + 2 + 2;  // bytes: read, written, read
  const bool weights = pass == ConvolutionPass::kBackwardWeights;
  const bool data = pass == ConvolutionPass::kBackwardData && s.stride != 1;
  const double rate = weights ? rates.backward_weights : data ? rates.backward_data : rates.forward;
  const double values =
      data ? double(s.y_size()) : double(s.x_size()) + weights * double(s.y_size());
  const double kernel = double(s.w_size()) * (constant ? 2 : weights ? sizeof(float) : kRounded);
  const double flop = flop_of(s) * std::max(1.0, kFewestInputs / s.c);
  return flop / rate + kFlopPerByte * (kInCache * kRounded * values + kernel);
}

// The convolution that carries dy back to dx at stride 1.
ConvolutionShape turned(const ConvolutionShape& s) {
  return {s.n,
          s.oh,
          s.ow,
          s.k,
          s.h,
          s.w,
          s.c,
          s.kh,
          s.kw,
          1,
          s.dilation,
          (s.kh - 1) * s.dilation - s.pad_top,
          (s.kw - 1) * s.dilation - s.pad_left};
}

// The same tensor may be the kernel of different ops, or behind an upsample.
std::string prepared_name(const std::string& what, const ConvolutionShape& s) {
  return what + ' ' + std::to_string(s.kh) + 'x' + std::to_string(s.kw) + ' ' +
         std::to_string(s.c) + '-' + std::to_string(s.k);
}

std::string prepared_for(const WinogradTiles& tiles) {
  return tiles.late ? "late winograd" : "winograd " + std::to_string(tiles.side);
}

// The taps in reverse order; each tap's (C, K) matrix stays as it is.
void reverse_taps(const ConvolutionShape& s, const float* w, float* reversed) {
  const std::ptrdiff_t taps = s.kh * s.kw, rows = taps * s.c;
#pragma omp parallel for schedule(static)
  for (std::ptrdiff_t row = 0; row < rows; ++row) {
    const std::ptrdiff_t tap = row / s.c, c = row % s.c;
    std::copy_n(w + row * s.k, s.k, reversed + ((taps - 1 - tap) * s.c + c) * s.k);
  }
}

// to(columns, rows) = from(rows, columns)', rows of each so far apart. By way of a small copy: rows
// a power of two apart would not stay in the cache together.
void transpose(const float* from, std::ptrdiff_t rows, std::ptrdiff_t columns,
               std::ptrdiff_t from_stride, float* to, std::ptrdiff_t to_stride) {
  constexpr std::ptrdiff_t kRows = 16, kColumns = 64;
  float tile[kRows][kColumns];
  for (std::ptrdiff_t column = 0; column < columns; column += kColumns) {
    const std::ptrdiff_t wide = std::min(kColumns, columns - column);
    for (std::ptrdiff_t row = 0; row < rows; row += kRows) {
      const std::ptrdiff_t high = std::min(kRows, rows - row);
      for (std::ptrdiff_t i = 0; i < high; ++i) {
        std::copy_n(from + (row + i) * from_stride + column, wide, tile[i]);
      }
      for (std::ptrdiff_t j = 0; j < wide; ++j) {
        for (std::ptrdiff_t i = 0; i < high; ++i) {
          to[(column + j) * to_stride + row + i] = tile[i][j];
        }
      }
    }
  }
}

// kernel (KH, KW, C, K) -> turned (KH, KW, K, C): by 180 degrees, and its channels exchanged.
void turn_kernel(const ConvolutionShape& s, const float* w, float* turned) {
  constexpr std::ptrdiff_t kBlock = 64;  // outputs
  const std::ptrdiff_t taps = s.kh * s.kw, blocks = (s.k + kBlock - 1) / kBlock;
#pragma omp parallel for schedule(static)
  for (std::ptrdiff_t i = 0; i < taps * blocks; ++i) {
    const std::ptrdiff_t tap = i / blocks, first = i % blocks * kBlock;
    transpose(w + (taps - 1 - tap) * s.c * s.k + first, s.c, std::min(kBlock, s.k - first), s.k,
              turned + (tap * s.k + first) * s.c, s.c);
  }
}

// The convolution at half the resolution that carries dy back to dx at stride 2 without padding,
// for kernels of an even size: row 2j + p of dx is the sum over t of row j - t of dy times row 2t +
// p of the kernel. It has an output channel for each phase (p, q) of dx and each of its channels,
// to be stored by depth to space.
std::optional<ConvolutionShape> doubling(const ConvolutionShape& s) {
  const bool even = s.kh == s.kw && s.kh % 2 == 0 && s.h % 2 == 0 && s.w % 2 == 0;
  const bool whole = s.h == 2 * (s.oh - 1) + s.kh && s.w == 2 * (s.ow - 1) + s.kw;
  if (s.stride != 2 || s.dilation != 1 || s.pad_top + s.pad_left != 0 || !even || !whole) {
    return std::nullopt;
  }
  const std::int32_t taps = s.kh / 2;
  return ConvolutionShape{s.n,  s.oh, s.ow, s.k, s.h / 2,  s.w / 2, 4 * s.c,
                          taps, taps, 1,    1,   taps - 1, taps - 1};
}

// kernel (KH, KW, C, K) -> (KH / 2, KW / 2, K, 4 C) of that convolution.
void phase_kernel(const ConvolutionShape& s, const float* w, float* phases) {
  const std::ptrdiff_t taps = s.kh / 2;
#pragma omp parallel for schedule(static)
  for (std::ptrdiff_t i = 0; i < 4 * taps * taps; ++i) {
    const std::ptrdiff_t tap = i / 4, phase = i % 4;
    const std::ptrdiff_t row = 2 * (taps - 1 - tap / taps) + phase / 2;
    const std::ptrdiff_t column = 2 * (taps - 1 - tap % taps) + phase % 2;
    transpose(w + (row * s.kw + column) * s.c * s.k, s.c, s.k, s.k,
              phases + tap * s.k * 4 * s.c + phase * s.c, 4 * s.c);
  }
}

const char* pass_name(ConvolutionPass pass) {
  if (pass == ConvolutionPass::kBackwardData) return "backward data";
  return pass == ConvolutionPass::kBackwardWeights ? "backward weights" : "forward";
}

std::string algorithm_name(const ConvolutionShape& s, ConvolutionAlgorithm algorithm) {
  if (algorithm == ConvolutionAlgorithm::kDirect) return "direct";
  if (algorithm == ConvolutionAlgorithm::kProduct) return "matrix product";
  if (algorithm == ConvolutionAlgorithm::kNarrow) return "narrow";
  if (algorithm == ConvolutionAlgorithm::kBfloat16) return "direct, bf16";
  const std::string m = std::to_string(int(points_a_side(algorithm)) - s.kh + 1);
  const std::string r = std::to_string(s.kh);
  return "Winograd F(" + m + 'x' + m + ", " + r + 'x' + r + ')' +
         (is_late(algorithm) ? ", late kernel" : "");
}

}  // namespace

std::size_t points_a_side(ConvolutionAlgorithm algorithm) {
  switch (algorithm) {
    case ConvolutionAlgorithm::kWinograd4:
    case ConvolutionAlgorithm::kLateWinograd4:
      return 4;
    case ConvolutionAlgorithm::kWinograd6:
    case ConvolutionAlgorithm::kLateWinograd6:
      return 6;
    case ConvolutionAlgorithm::kDirect:
    case ConvolutionAlgorithm::kProduct:
    case ConvolutionAlgorithm::kNarrow:
    case ConvolutionAlgorithm::kBfloat16:
      break;
  }
  return 0;
}

ConvolutionAlgorithm choose_algorithm(const ConvolutionShape& s, ConvolutionPass pass,
                                      bool constant, ConvolutionChoice choice,
                                      Precision precision) {
  ConvolutionAlgorithm best =
      is_product(s) ? ConvolutionAlgorithm::kProduct : ConvolutionAlgorithm::kDirect;
  const ConvolutionShape run =
      pass == ConvolutionPass::kBackwardData && s.stride == 1 ? turned(s) : s;
  // A product carries gradients back by scattering windows, not as the convolution `run`.
  double least = is_product(s) ? product_cost(s, pass, constant) : direct_cost(run, constant);
  const auto consider = [&](ConvolutionAlgorithm algorithm, double cost) {
    if (cost >= least) return;
    least = cost;
    best = algorithm;
  };
  const bool narrow = (pass == ConvolutionPass::kBackwardData && is_narrow_backward_data(s)) ||
                      (pass == ConvolutionPass::kBackwardWeights && is_narrow_backward_weights(s));
  if (narrow && choice != ConvolutionChoice::kDirect && product_is_fast()) {
    consider(ConvolutionAlgorithm::kNarrow, narrow_cost(s));
  }
  // Channels for which transforms are worth it. Few outputs of a forward pass are not: a direct
  // convolution wastes its vectors on them, too.
  constexpr std::int32_t kFewest = 32;
  const bool few = run.c < kFewest || (pass == ConvolutionPass::kBackwardWeights && s.k < kFewest);
  const bool forced = choice == ConvolutionChoice::kWinograd;
  if (forced || (choice == ConvolutionChoice::kAuto && !few && product_is_fast())) {
    for (const ConvolutionAlgorithm algorithm :
         {ConvolutionAlgorithm::kWinograd4, ConvolutionAlgorithm::kWinograd6,
          ConvolutionAlgorithm::kLateWinograd4, ConvolutionAlgorithm::kLateWinograd6}) {
      if (!is_winograd_shape(run, points_a_side(algorithm))) continue;
      if (is_late(algorithm) && pass == ConvolutionPass::kBackwardWeights) continue;
      if (forced && points_a_side(best) == 0) least = std::numeric_limits<double>::infinity();
      const WinogradTiles tiles = tiles_of(run, algorithm);
      consider(algorithm, is_late(algorithm) ? late_winograd_cost(tiles, pass, constant)
                                             : winograd_cost(tiles, pass, constant));
    }
    if (forced && points_a_side(best) > 0) return best;
  }
  const auto rates = precision == Precision::kBfloat16 ? bfloat16_rates() : std::nullopt;
  if (rates) {
    consider(ConvolutionAlgorithm::kBfloat16, bfloat16_cost(run, pass, constant, *rates));
  }
  return best;
}

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
