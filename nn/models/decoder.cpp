#include "nn/models/decoder.hpp"

namespace afterglow {

UpsamplingDecoder::UpsamplingDecoder(const std::shared_ptr<Backend>& backend,
                                     const ModelSpec& model, std::int32_t channels,
                                     const std::vector<DecoderRow>& rows, LayerNames& names,
                                     Rng& rng)
    : upsamples_(model.decoder == Decoder::kUpsample) {
  // A transposed convolution has no upsample in front of the norm that its statistics could count.
  const std::int64_t copies = upsamples_ ? 4 : 1;
  for (const DecoderRow& row : rows) {
    const bool last = convs_.size() + 1 == rows.size();
    const std::int32_t filters = last ? row.filters : row.filters / model.narrow;
    const auto result = last ? ops::Result::kFloat32 : ops::Result::kActivation;
    const Conv2dSpec spec{channels, filters, row.size, row.padding, 1, Activation::kRelu, result};
    if (convs_.empty()) {
      convs_.push_back(std::make_unique<Conv2d>(names.next_conv(), backend, spec, rng));
    } else if (upsamples_) {
      convs_.push_back(std::make_unique<UpsampleConv2d>(names.next_conv(), backend, spec, rng));
    } else {
      convs_.push_back(
          std::make_unique<UpsampleConvTranspose2d>(names.next_transpose(), backend, spec, rng));
    }
    channels = filters;
    if (!last) {
      norms_.push_back(std::make_unique<BatchNorm>(names.next_norm(), backend, channels, copies));
    }
  }
}

Variable UpsamplingDecoder::forward(Variable x) const {
  for (std::size_t i = 0; i < convs_.size(); ++i) {
    x = i < norms_.size() ? convs_[i]->forward(x, *norms_[i]) : convs_[i]->forward(x);
  }
  return x;
}

std::vector<Module*> UpsamplingDecoder::layers() const {
  std::vector<Module*> result;
  for (std::size_t i = 0; i < convs_.size(); ++i) {
    result.push_back(convs_[i].get());
    if (i < norms_.size()) result.push_back(norms_[i].get());
  }
  return result;
}

void UpsamplingDecoder::describe(std::vector<LayerDescription>& rows) const {
  for (std::size_t i = 0; i < convs_.size(); ++i) {
    rows.push_back(convs_[i]->description());
    rows.push_back({.kind = LayerKind::kRelu});
    if (i == norms_.size()) break;
    if (upsamples_) rows.push_back({.kind = LayerKind::kUpsample});
    rows.push_back({.kind = LayerKind::kBatchNorm, .name = norms_[i]->name()});
  }
}

}  // namespace afterglow
