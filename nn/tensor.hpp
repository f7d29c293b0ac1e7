// Tensor: a shape over a shared buffer. Contiguous, channels last; no strides, no views, no
// broadcasting. float32, but for frames as they come (kUint8) and activations on a backend that
// stores them otherwise.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/backend.hpp"

namespace afterglow {

/// Up to four extents. Frames are (N, H, W, C), convolution kernels (KH, KW, I, O), per-channel
/// values (C), scalars (1).
class Shape {
 public:
  static constexpr int kMaxRank = 4;

  Shape() = default;
  /// Throws ShapeError for more than four extents or a negative one.
  Shape(std::initializer_list<std::int64_t> extents);
  explicit Shape(std::span<const std::int64_t> extents);

  int rank() const { return rank_; }
  std::int64_t operator[](int axis) const { return extents_[static_cast<std::size_t>(axis)]; }
  /// The number of values; 0 for a default-constructed shape.
  std::int64_t size() const;
  /// "(16, 128, 128, 6)".
  std::string to_string() const;

  bool operator==(const Shape&) const = default;

 private:
  std::array<std::int64_t, kMaxRank> extents_{};
  int rank_ = 0;
};

/// Copies share the buffer; clone() does not.
class Tensor {
 public:
  /// No tensor: false in a condition.
  Tensor() = default;
  /// Uninitialised values.
  Tensor(std::shared_ptr<Backend> backend, const Shape& shape,
         ValueType type = ValueType::kFloat32);

  static Tensor zeros(std::shared_ptr<Backend> backend, const Shape& shape,
                      ValueType type = ValueType::kFloat32);
  static Tensor full(std::shared_ptr<Backend> backend, const Shape& shape, float value,
                     ValueType type = ValueType::kFloat32);
  /// Of kFloat32, of kUint8. Throws ShapeError when the count of values is not the shape's.
  static Tensor from_host(std::shared_ptr<Backend> backend, const Shape& shape,
                          std::span<const float> values);
  static Tensor from_host(std::shared_ptr<Backend> backend, const Shape& shape,
                          std::span<const std::uint8_t> values);

  explicit operator bool() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  std::int64_t size() const { return shape_.size(); }
  ValueType type() const { return type_; }
  const std::shared_ptr<Backend>& backend() const { return backend_; }

  /// The values in *device* memory: for the backend's eyes only.
  Source source() const;
  Destination destination();
  /// The same with memory for the padded form, where convolutions of this type read that. Whoever
  /// takes it writes both; the padded form stays until somebody asks for the destination.
  Destination padded_destination();
  /// The values as a convolution's kernel. What the backend prepares of a `constant` one, and what
  /// is rounded of another, stays with them until somebody asks for their destination.
  Kernel kernel(bool constant) const;

  /// The values, whatever their type.
  std::vector<float> to_host() const;
  /// Into a tensor of the values' type and count; throws ShapeError for another.
  void copy_from_host(std::span<const float> values);
  void copy_from_host(std::span<const std::uint8_t> values);
  /// The single value of a tensor of size 1.
  float item() const;
  Tensor clone() const;
  /// True when both look at the same memory.
  bool shares_buffer(const Tensor& other) const { return storage_ == other.storage_; }

 private:
  struct Storage {
    Buffer buffer;
    PreparedKernels prepared;
    RoundedKernel rounded;
    Buffer padded;

    /// Before the values change.
    void drop_copies() {
      prepared.clear();
      rounded.values = {};
      padded = {};
    }
  };

  void copy_bytes_from_host(std::span<const std::byte> bytes, ValueType type);

  std::shared_ptr<Backend> backend_;
  std::shared_ptr<Storage> storage_;
  Shape shape_;
  ValueType type_ = ValueType::kFloat32;
};

}  // namespace afterglow
