#include "kernels/cuda/operands.hpp"

#include "kernels/cuda/typed.hpp"

namespace afterglow::cuda {
namespace {

/// The bytes that a copy of the operand needs; 0: it is used as it is.
std::size_t copy_bytes(Operands operands, std::int64_t rows, std::int32_t channels,
                       ValueType type) {
  const std::int32_t padded = padded_channels(channels, operands);
  if (type == type_of(operands) && padded == channels) return 0;
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(padded) *
         bytes_of(type_of(operands));
}

}  // namespace

OperandSource::OperandSource(const Context& context, Operands operands, std::int64_t rows,
                             std::int32_t channels, Source x)
    : converted_(context.arena(), copy_bytes(operands, rows, channels, x.type())),
      data_(x.memory()) {
  if (converted_.data() == nullptr) return;
  data_ = converted_.data();
  with_type(x, [&](const auto* from) {
    with_operands(operands, converted_.data(), [&](auto* to) {
      resize_channels(context.stream(), rows, channels, padded_channels(channels, operands), from,
                      to);
    });
  });
  check_launch("resize_channels");
}

OperandDestination::OperandDestination(const Context& context, Operands operands, std::int64_t rows,
                                       std::int32_t channels, Destination y)
    : context_(context),
      operands_(operands),
      rows_(rows),
      channels_(channels),
      y_(y),
      unconverted_(context.arena(), copy_bytes(operands, rows, channels, y.type())),
      data_(y.memory()) {
  if (unconverted_.data() != nullptr) data_ = unconverted_.data();
}

void OperandDestination::finish() const {
  if (unconverted_.data() == nullptr) return;
  with_operands(operands_, unconverted_.data(), [&]<typename S>(const S* from) {
    with_type(y_, [&]<typename T>(const T*) {
      resize_channels(context_.stream(), rows_, padded_channels(channels_, operands_), channels_,
                      from, typed<T>(y_));
    });
  });
  check_launch("resize_channels");
}

}  // namespace afterglow::cuda
