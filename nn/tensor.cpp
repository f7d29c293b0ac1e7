#include "nn/tensor.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"

namespace afterglow {

Shape::Shape(std::initializer_list<std::int64_t> extents)
    : Shape(std::span<const std::int64_t>(extents.begin(), extents.size())) {}

Shape::Shape(std::span<const std::int64_t> extents) : rank_(static_cast<int>(extents.size())) {
  if (rank_ > kMaxRank) {
    throw ShapeError("a shape has at most 4 extents, not " + std::to_string(rank_));
  }
  std::copy(extents.begin(), extents.end(), extents_.begin());
  if (std::any_of(extents.begin(), extents.end(), [](std::int64_t extent) { return extent < 0; })) {
    throw ShapeError("a shape has no negative extents: " + to_string());
  }
}

std::int64_t Shape::size() const {
  if (rank_ == 0) return 0;
  std::int64_t size = 1;
  for (int axis = 0; axis < rank_; ++axis) size *= (*this)[axis];
  return size;
}

std::string Shape::to_string() const {
  std::string text = "(";
  for (int axis = 0; axis < rank_; ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string((*this)[axis]);
  }
  return text + ")";
}

Tensor::Tensor(std::shared_ptr<Backend> backend, const Shape& shape, ValueType type)
    : backend_(std::move(backend)), shape_(shape), type_(type) {
  // An empty tensor (0 frames) still is a tensor: it owns at least one byte.
  storage_ = std::make_shared<Storage>();
  storage_->buffer = backend_->allocate(
      std::max(static_cast<std::size_t>(shape.size()) * bytes_of(type), std::size_t{1}));
}

Tensor Tensor::zeros(std::shared_ptr<Backend> backend, const Shape& shape, ValueType type) {
  return full(std::move(backend), shape, 0.0F, type);
}

Tensor Tensor::full(std::shared_ptr<Backend> backend, const Shape& shape, float value,
                    ValueType type) {
  Tensor tensor(std::move(backend), shape, type);
  tensor.backend_->fill(tensor.destination(), value);
  return tensor;
}

Tensor Tensor::from_host(std::shared_ptr<Backend> backend, const Shape& shape,
                         std::span<const float> values) {
  Tensor tensor(std::move(backend), shape);
  tensor.copy_from_host(values);
  return tensor;
}

Tensor Tensor::from_host(std::shared_ptr<Backend> backend, const Shape& shape,
                         std::span<const std::uint8_t> values) {
  Tensor tensor(std::move(backend), shape, ValueType::kUint8);
  tensor.copy_from_host(values);
  return tensor;
}

Source Tensor::source() const {
  const Source values(storage_->buffer.data.get(), static_cast<std::size_t>(size()), type_);
  return values.with_padded(storage_->padded.data.get());
}

Destination Tensor::destination() {
  storage_->drop_copies();
  return {storage_->buffer.data.get(), static_cast<std::size_t>(size()), type_};
}

Destination Tensor::padded_destination() {
  const Destination values = destination();
  const auto channels = static_cast<std::int32_t>(shape_[shape_.rank() - 1]);
  const std::int32_t padded = padded_channels(channels, type_);
  if (padded == channels) return values;
  const std::size_t rows = values.size() / static_cast<std::size_t>(channels);
  storage_->padded = backend_->allocate(rows * static_cast<std::size_t>(padded) * bytes_of(type_));
  return values.with_padded(storage_->padded.data.get());
}

Kernel Tensor::kernel(bool constant) const {
  if (constant) return {source(), &storage_->prepared, nullptr};
  return {source(), nullptr, &storage_->rounded};
}

std::vector<float> Tensor::to_host() const {
  if (type_ != ValueType::kFloat32) {
    Tensor floats(backend_, shape_);
    backend_->copy(source(), floats.destination());
    return floats.to_host();
  }
  std::vector<float> values(static_cast<std::size_t>(size()));
  backend_->copy_to_host(storage_->buffer.data.get(), std::as_writable_bytes(std::span(values)));
  return values;
}

void Tensor::copy_from_host(std::span<const float> values) {
  copy_bytes_from_host(std::as_bytes(values), ValueType::kFloat32);
}

void Tensor::copy_from_host(std::span<const std::uint8_t> values) {
  copy_bytes_from_host(std::as_bytes(values), ValueType::kUint8);
}

void Tensor::copy_bytes_from_host(std::span<const std::byte> bytes, ValueType type) {
  if (type != type_) throw ShapeError("a tensor takes values of its own type");
  const std::size_t count = bytes.size() / bytes_of(type);
  if (static_cast<std::int64_t>(count) != size()) {
    throw ShapeError("a tensor of shape " + shape_.to_string() + " takes " +
                     std::to_string(size()) + " values, not " + std::to_string(count));
  }
  storage_->drop_copies();
  backend_->copy_from_host(bytes, storage_->buffer.data.get());
}

float Tensor::item() const {
  if (size() != 1) throw ShapeError("item() needs one value, the shape is " + shape_.to_string());
  return to_host().front();
}

Tensor Tensor::clone() const {
  Tensor copy(backend_, shape_, type_);
  backend_->copy(source(), copy.destination());
  return copy;
}

}  // namespace afterglow
