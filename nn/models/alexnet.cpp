#include "nn/models/alexnet.hpp"

namespace afterglow {
namespace {

struct EncoderRow {
  std::int32_t filters, size;
  Padding padding;
  std::int32_t stride;
  bool pool;
};

// Fang & Chaudhri 2019, the model that their published code calls AlexNet; sizes from 128 x 128
// x 6.
constexpr EncoderRow kEncoder[] = {
    {96, 9, Padding::kValid, 2, true},   // 29 x 29
    {256, 5, Padding::kSame, 1, true},   // 14 x 14
    {384, 3, Padding::kSame, 1, false},  // 14 x 14
    {384, 3, Padding::kSame, 1, false},  // 14 x 14
    {256, 3, Padding::kSame, 1, true},   // 6 x 6
};

const std::vector<DecoderRow> kDecoder = {
    {256, 1, Padding::kValid},  // 6 x 6, upsampled 12 x 12
    {384, 3, Padding::kValid},  // 10 x 10, 20 x 20
    {384, 3, Padding::kValid},  // 18 x 18, 36 x 36
    {256, 5, Padding::kValid},  // 32 x 32, 64 x 64
    {96, 5, Padding::kSame},    // 64 x 64, 128 x 128
    {3, 5, Padding::kSame},     // 128 x 128
};

}  // namespace

Alexnet::Alexnet(const std::shared_ptr<Backend>& backend, const ModelSpec& spec, Rng& rng)
    : ColorizationModel(spec) {
  LayerNames names;
  std::int32_t channels = 6;
  for (const EncoderRow& row : kEncoder) {
    const std::int32_t filters = row.filters / spec.narrow;
    const Conv2dSpec conv{channels, filters, row.size, row.padding, row.stride, Activation::kRelu};
    encoder_.push_back({std::make_unique<Conv2d>(names.next_conv(), backend, conv, rng), row.pool,
                        std::make_unique<BatchNorm>(names.next_norm(), backend, filters)});
    add_child(*encoder_.back().conv);
    add_child(*encoder_.back().norm);
    channels = filters;
  }
  decoder_ = std::make_unique<UpsamplingDecoder>(backend, spec, channels, kDecoder, names, rng);
  for (Module* layer : decoder_->layers()) add_child(*layer);
}

Variable Alexnet::run(const Variable& x) {
  Variable y = x;
  for (const Block& block : encoder_) {
    y = block.pool ? block.norm->forward(ops::avg_pool2d(block.conv->forward(y), 3, 2))
                   : block.conv->forward(y, *block.norm);
  }
  return decoder_->forward(y);
}

void Alexnet::set_norm_momentum(float momentum) {
  for (const Block& block : encoder_) block.norm->set_momentum(momentum);
  for (const auto& norm : decoder_->norms()) norm->set_momentum(momentum);
}

std::vector<LayerDescription> Alexnet::describe() const {
  std::vector<LayerDescription> rows;
  for (const Block& block : encoder_) {
    rows.push_back(block.conv->description());
    rows.push_back({.kind = LayerKind::kRelu});
    if (block.pool) rows.push_back({.kind = LayerKind::kAveragePool, .size = 3, .stride = 2});
    rows.push_back({.kind = LayerKind::kBatchNorm, .name = block.norm->name()});
  }
  decoder_->describe(rows);
  return rows;
}

}  // namespace afterglow
