// A batch norm with given statistics as it is computed.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/backend.hpp"

namespace afterglow {

/// y = factor (x - center) + offset, per channel; nothing where they are empty.
struct Affine {
  std::vector<float> center, factor, offset;

  Affine() = default;
  /// Of the channels again and again, `copies` times; empty where the norm is.
  explicit Affine(const Norm& norm, std::size_t copies = 1);

  bool empty() const { return factor.empty(); }
};

/// y may be x.
void apply_affine(const ChannelGeometry& g, Source x, const Affine& affine, Destination y);

}  // namespace afterglow
