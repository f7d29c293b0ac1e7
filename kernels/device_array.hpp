// Plain values in a backend's memory that are no tensor: flags, sums, rates.
#pragma once

#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels/backend.hpp"

namespace afterglow {

/// `size` values of T, uninitialised. Copies share the memory.
template <typename T>
class DeviceArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit DeviceArray(std::shared_ptr<Backend> backend, std::size_t size = 1)
      : backend_(std::move(backend)), size_(size), buffer_(backend_->allocate(size * sizeof(T))) {}
  DeviceArray(std::shared_ptr<Backend> backend, const std::vector<T>& values)
      : DeviceArray(std::move(backend), values.size()) {
    write(values);
  }

  /// In *device* memory: for the backend's eyes only.
  T* data() const { return reinterpret_cast<T*>(buffer_.data.get()); }
  std::span<T> span() const { return {data(), size_}; }

  void write(const std::vector<T>& values) {
    backend_->copy_from_host(std::as_bytes(std::span(values)), buffer_.data.get());
  }
  std::vector<T> read() const {
    std::vector<T> values(size_);
    backend_->copy_to_host(buffer_.data.get(), std::as_writable_bytes(std::span(values)));
    return values;
  }
  /// The only value.
  T value() const { return read().front(); }

 private:
  std::shared_ptr<Backend> backend_;
  std::size_t size_;
  Buffer buffer_;
};

}  // namespace afterglow
