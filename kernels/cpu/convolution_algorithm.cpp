#include "kernels/cpu/convolution_algorithm.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "kernels/cpu/backward_data.hpp"
#include "kernels/cpu/narrow_convolution.hpp"
#include "kernels/cpu/panel_product.hpp"
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

WinogradTiles tiles_of(const ConvolutionShape& s, ConvolutionAlgorithm algorithm) {
  return {s, points_a_side(algorithm), is_late(algorithm)};
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

}  // namespace afterglow
