#include "nn/models/vgg16.hpp"

#include <string>

namespace afterglow {
namespace {

struct EncoderBlock {
  int convs;
  std::int32_t filters;
};

constexpr EncoderBlock kEncoderBlocks[] = {{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}};

const std::vector<DecoderRow> kDecoderRows = {
    {256, 1, Padding::kValid},  // 4 x 4, upsampled 8 x 8
    {384, 3, Padding::kValid},  // 6 x 6, 12 x 12
    {384, 3, Padding::kValid},  // 10 x 10, 20 x 20
    {256, 5, Padding::kValid},  // 16 x 16, 32 x 32
    {256, 5, Padding::kSame},   // 32 x 32, 64 x 64
    {96, 5, Padding::kSame},    // 64 x 64, 128 x 128
    {3, 5, Padding::kSame},     // 128 x 128
};

}  // namespace

Vgg16Encoder::Vgg16Encoder(const std::shared_ptr<Backend>& backend, std::int32_t narrow, Rng& rng)
    : Module("vgg16") {
  std::int32_t channels = 3;
  for (const EncoderBlock& block : kEncoderBlocks) {
    auto& convs = blocks_.emplace_back();
    for (int i = 1; i <= block.convs; ++i) {
      const std::int32_t filters = block.filters / narrow;
      const Conv2dSpec spec{channels, filters, 3, Padding::kSame, 1, Activation::kRelu};
      const std::string name =
          "block" + std::to_string(blocks_.size()) + "_conv" + std::to_string(i);
      convs.push_back(std::make_unique<Conv2d>(name, backend, spec, rng));
      add_child(*convs.back());
      channels = filters;
    }
  }
}

Variable Vgg16Encoder::forward(Variable x) const {
  for (const auto& convs : blocks_) {
    for (std::size_t i = 0; i + 1 < convs.size(); ++i) x = convs[i]->forward(x);
    x = convs.back()->forward_pooled(x);
  }
  return x;
}

void Vgg16Encoder::describe(std::vector<LayerDescription>& rows) const {
  for (const auto& convs : blocks_) {
    for (const auto& conv : convs) {
      rows.push_back(conv->description());
      rows.back().name = name() + '/' + conv->name();
      rows.push_back({.kind = LayerKind::kRelu});
    }
    rows.push_back({.kind = LayerKind::kMaxPool, .size = 2, .stride = 2});
  }
}

Vgg16::Vgg16(const std::shared_ptr<Backend>& backend, const ModelSpec& spec, Rng& rng)
    : ColorizationModel(spec) {
  LayerNames names;
  const Conv2dSpec entry{6, 3, 1, Padding::kValid, 1, Activation::kRelu};
  entry_ = std::make_unique<Conv2d>(names.next_conv(), backend, entry, rng);
  entry_norm_ = std::make_unique<BatchNorm>(names.next_norm(), backend, entry.filters);
  encoder_ = std::make_unique<Vgg16Encoder>(backend, spec.narrow, rng);
  encoder_->freeze();
  decoder_ = std::make_unique<UpsamplingDecoder>(backend, spec, 512 / spec.narrow, kDecoderRows,
                                                 names, rng);
  add_child(*entry_);
  add_child(*entry_norm_);
  add_child(*encoder_);
  for (Module* layer : decoder_->layers()) add_child(*layer);
}

Variable Vgg16::run(const Variable& x) {
  return decoder_->forward(encoder_->forward(entry_->forward(x, *entry_norm_)));
}

void Vgg16::set_norm_momentum(float momentum) {
  entry_norm_->set_momentum(momentum);
  for (const auto& norm : decoder_->norms()) norm->set_momentum(momentum);
}

std::vector<LayerDescription> Vgg16::describe() const {
  std::vector<LayerDescription> rows{entry_->description(),
                                     {.kind = LayerKind::kRelu},
                                     {.kind = LayerKind::kBatchNorm, .name = entry_norm_->name()}};
  encoder_->describe(rows);
  decoder_->describe(rows);
  return rows;
}

}  // namespace afterglow
