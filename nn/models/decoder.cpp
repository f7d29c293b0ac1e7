#include "nn/models/decoder.hpp"

namespace afterglow {

UpsamplingDecoder::UpsamplingDecoder(const std::shared_ptr<Backend>& backend, Decoder decoder,
                                     std::int32_t channels, const std::vector<DecoderRow>& rows,
                                     LayerNames& names, Rng& rng) {
  // A transposed convolution has no upsample in front of the norm that its statistics could count.
  const std::int64_t copies = decoder == Decoder::kUpsample ? 4 : 1;
  for (const DecoderRow& row : rows) {
    const Conv2dSpec spec{channels, row.filters, row.size, row.padding, 1, Activation::kRelu};
    if (convs_.empty()) {
      convs_.push_back(std::make_unique<Conv2d>(names.next_conv(), backend, spec, rng));
    } else if (decoder == Decoder::kUpsample) {
      convs_.push_back(std::make_unique<UpsampleConv2d>(names.next_conv(), backend, spec, rng));
    } else {
      convs_.push_back(
          std::make_unique<UpsampleConvTranspose2d>(names.next_transpose(), backend, spec, rng));
    }
    channels = row.filters;
    if (convs_.size() < rows.size()) {
      norms_.push_back(std::make_unique<BatchNorm>(names.next_norm(), backend, channels, copies));
    }
  }
}

Variable UpsamplingDecoder::forward(Variable x) const {
  for (std::size_t i = 0; i < convs_.size(); ++i) {
    x = convs_[i]->forward(x);
    if (i < norms_.size()) x = norms_[i]->forward(x);
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

}  // namespace afterglow
