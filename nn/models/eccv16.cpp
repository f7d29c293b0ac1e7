#include "nn/models/eccv16.hpp"

#include <string>

#include "base/error.hpp"
#include "base/random.hpp"
#include "nn/ops/ops.hpp"

namespace afterglow {
namespace {

constexpr float kNormEpsilon = 1e-5F;

struct BlockRow {
  int convs;
  std::int32_t filters;
  std::int32_t last_stride, dilation;
};

// Blocks 1 to 7, 3 x 3 throughout; block 8 is written out below.
constexpr BlockRow kBlocks[] = {{2, 64, 2, 1},  {2, 128, 2, 1}, {3, 256, 2, 1}, {3, 512, 1, 1},
                                {3, 512, 1, 2}, {3, 512, 1, 2}, {3, 512, 1, 1}};

// Of the bins with the same a, b runs from `first` to `last`.
struct BinRow {
  int a, first, last;
};
constexpr int kBinStep = 10;
constexpr BinRow kBinRows[] = {{-90, 50, 90},   {-80, 20, 90},   {-70, 0, 90},    {-60, -20, 90},
                               {-50, -30, 100}, {-40, -40, 100}, {-30, -50, 100}, {-20, -50, 100},
                               {-10, -60, 100}, {0, -70, 100},   {10, -80, 90},   {20, -80, 90},
                               {30, -90, 90},   {40, -100, 90},  {50, -100, 80},  {60, -110, 80},
                               {70, -110, 80},  {80, -110, 70},  {90, -110, 70},  {100, -90, 0}};

std::string conv_name(std::size_t block, std::size_t conv) {
  return "conv" + std::to_string(block) + "_" + std::to_string(conv);
}

}  // namespace

const std::array<std::array<float, 2>, 313>& eccv16_bins() {
  static const std::array<std::array<float, 2>, 313> bins = [] {
    std::array<std::array<float, 2>, 313> points{};
    std::size_t count = 0;
    for (const BinRow& row : kBinRows) {
      for (int b = row.first; b <= row.last; b += kBinStep) {
        points.at(count++) = {static_cast<float>(row.a), static_cast<float>(b)};
      }
    }
    return points;
  }();
  return bins;
}

Eccv16::Eccv16(const std::shared_ptr<Backend>& backend) : Module("eccv16") {
  Rng rng(0);  // of no meaning: every weight is read from a file
  std::int32_t channels = 1;
  const auto add = [&](std::unique_ptr<KernelLayer> layer, std::int32_t filters) {
    blocks_.back().convs.push_back(std::move(layer));
    add_child(*blocks_.back().convs.back());
    channels = filters;
  };
  const auto conv = [&](const std::string& name, const Conv2dSpec& spec) {
    add(std::make_unique<Conv2d>(name, backend, spec, rng), spec.filters);
  };
  for (const BlockRow& row : kBlocks) {
    Block& block = blocks_.emplace_back();
    for (int i = 1; i <= row.convs; ++i) {
      Conv2dSpec spec{channels, row.filters, 3, Padding::kCentred};
      spec.stride = i == row.convs ? row.last_stride : 1;
      spec.dilation = row.dilation;
      conv(conv_name(blocks_.size(), block.convs.size() + 1), spec);
    }
    block.norm = std::make_unique<BatchNorm>("norm" + std::to_string(blocks_.size()), backend,
                                             row.filters, 1, kNormEpsilon);
    add_child(*block.norm);
  }
  blocks_.emplace_back();
  // A 4 x 4 transposed convolution of stride 2.
  const Conv2dSpec doubling{channels, 256, 3, Padding::kSame};
  add(std::make_unique<UpsampleConvTranspose2d>("conv8_1", backend, doubling, rng), 256);
  conv("conv8_2", {channels, 256, 3, Padding::kCentred});
  conv("conv8_3", {channels, 256, 3, Padding::kCentred});
  conv("conv8_313",
       {channels, kBins, 1, Padding::kValid, 1, Activation::kNone, ops::Result::kFloat32});
  freeze();

  std::vector<float> centres;
  for (const auto& bin : eccv16_bins()) centres.insert(centres.end(), bin.begin(), bin.end());
  centres_ = Tensor::from_host(backend, {kBins, 2}, centres);
}

std::vector<std::pair<std::string, Shape>> Eccv16::weight_shapes() {
  std::vector<std::pair<std::string, Shape>> shapes;
  const auto conv = [&](const std::string& name, const Shape& kernel, std::int64_t filters) {
    shapes.emplace_back(name + "/kernel", kernel);
    shapes.emplace_back(name + "/bias", Shape{filters});
  };
  std::int64_t channels = 1;
  std::size_t number = 0;
  for (const BlockRow& row : kBlocks) {
    ++number;
    for (std::size_t i = 1; i <= static_cast<std::size_t>(row.convs); ++i) {
      conv(conv_name(number, i), {3, 3, channels, row.filters}, row.filters);
      channels = row.filters;
    }
    for (const char* weight : {"gamma", "beta", "moving_mean", "moving_variance"}) {
      shapes.emplace_back("norm" + std::to_string(number) + "/" + weight, Shape{channels});
    }
  }
  conv("conv8_1", {4, 4, 256, channels}, 256);
  conv("conv8_2", {3, 3, 256, 256}, 256);
  conv("conv8_3", {3, 3, 256, 256}, 256);
  conv("conv8_313", {1, 1, 256, kBins}, kBins);
  return shapes;
}

Variable Eccv16::scores(const Variable& lightness) {
  const Shape& shape = lightness.shape();
  if (shape.rank() != 4 || shape[3] != 1 || shape[1] % kMultiple != 0 ||
      shape[2] % kMultiple != 0) {
    throw ShapeError("eccv16: lightness " + shape.to_string() +
                     " is not (N, H, W, 1) with multiples of 8 as H and W");
  }
  Variable x = lightness;
  for (const Block& block : blocks_) {
    for (const auto& layer : block.convs) {
      const bool last = layer == block.convs.back();
      x = last && block.norm ? layer->forward(x, *block.norm) : layer->forward(x);
    }
  }
  return x;
}

Variable Eccv16::forward(const Variable& lightness) {
  return ops::softmax_mean(scores(lightness), centres_, factor_);
}

}  // namespace afterglow
