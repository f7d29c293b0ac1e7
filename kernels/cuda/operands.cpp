#include "kernels/cuda/operands.hpp"

#include "kernels/cuda/typed.hpp"

namespace afterglow::cuda {
namespace {

/// Where a convolution finds the operand as it reads it: the values themselves, or the padded form
/// that was left with them. Else nullptr.
const void* as_it_is(Operands operands, std::int32_t channels, Source values) {
  if (values.type() != type_of(operands)) return nullptr;
  return padded_channels(channels, operands) == channels ? values.memory() : values.padded();
}

/// The bytes of a copy of the operand.
std::size_t copy_bytes(Operands operands, std::int64_t rows, std::int32_t channels) {
  return static_cast<std::size_t>(rows) *
         static_cast<std::size_t>(padded_channels(channels, operands)) *
         bytes_of(type_of(operands));
}

}  // namespace

OperandSource::OperandSource(const Context& context, Operands operands, std::int64_t rows,
                             std::int32_t channels, Source x)
    : data_(as_it_is(operands, channels, x)),
      converted_(context.arena(), data_ != nullptr ? 0 : copy_bytes(operands, rows, channels)) {
  if (data_ != nullptr) return;
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
      data_(type_of(operands) == y.type() && padded_channels(channels, operands) == channels
                ? y.memory()
                : nullptr),
      unconverted_(context.arena(), data_ != nullptr ? 0 : copy_bytes(operands, rows, channels)) {
  if (data_ == nullptr) data_ = unconverted_.data();
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
