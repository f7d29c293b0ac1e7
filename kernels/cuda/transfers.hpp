// Copies between the host's ordinary memory and the device.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "kernels/cuda/handles.hpp"

namespace afterglow::cuda {

/// Copies through two buffers of pinned memory, so that the host fills one while the other is on
/// its way.
class Transfers {
 public:
  /// Returns when `host` may be changed; the copy may still be under way.
  void to_device(cudaStream_t stream, std::span<const std::byte> host, std::byte* device);
  /// Returns when the values are there.
  void to_host(cudaStream_t stream, const std::byte* device, std::span<std::byte> host);

 private:
  struct Stage {
    PinnedMemory memory;
    EventHandle done;  // when its last copy is
    std::byte* data() const { return static_cast<std::byte*>(memory.get()); }
  };

  /// The next buffer, free to use.
  Stage& next_stage();

  std::array<Stage, 2> stages_;
  std::size_t next_ = 0;
};

}  // namespace afterglow::cuda
