// Activations as the operands of a convolution: as they are, or converted, with their channels
// padded.
#pragma once

#include <cstdint>

#include "kernels/cuda/context.hpp"
#include "kernels/cuda/cudnn_graph.hpp"

namespace afterglow::cuda {

/// Calls f with `memory` as a pointer of that type.
template <typename F>
void with_operands(Operands operands, void* memory, const F& f) {
  if (operands == Operands::kBfloat16) {
    f(static_cast<bfloat16*>(memory));
  } else {
    f(static_cast<float*>(memory));
  }
}

/// Something that a convolution reads.
class OperandSource {
 public:
  /// x(rows, channels).
  OperandSource(const Context& context, Operands operands, std::int64_t rows, std::int32_t channels,
                Source x);

  const void* data() const { return data_; }

 private:
  const void* data_;
  Scratch<std::byte> converted_;
};

/// Something that a convolution writes: y(rows, channels) has the values when finish() returns.
class OperandDestination {
 public:
  OperandDestination(const Context& context, Operands operands, std::int64_t rows,
                     std::int32_t channels, Destination y);

  void* data() const { return data_; }
  void finish() const;

 private:
  const Context& context_;
  Operands operands_;
  std::int64_t rows_;
  std::int32_t channels_;
  Destination y_;
  void* data_;
  Scratch<std::byte> unconverted_;
};

}  // namespace afterglow::cuda
