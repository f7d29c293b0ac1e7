// The SIMT machine: CUDA's execution model on a CPU, for tests. A .cu file compiled by the host
// compiler against words.hpp runs here, one block at a time, a fiber for every thread that has to
// wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>

namespace simt {

/// A kernel broke a rule of CUDA's: a barrier that not all threads reach (one that returned has
/// not), or not in the same line; lanes that do not all come to a warp's meeting, or with different
/// masks or words; a lane that reads outside of its mask; a misaligned vector; a launch out of
/// range.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// In which order a block's threads, and the grid's blocks, get to run. A kernel that gives other
/// bits under another order has a race.
enum class Order { kForward, kReverse, kShuffled };

/// The order of all launches from now on.
void set_order(Order order, unsigned seed = 0);

struct Extent {
  unsigned x = 1, y = 1, z = 1;
  unsigned long long count() const { return 1ULL * x * y * z; }
};

/// Runs body() as every thread of every block. Throws Fault.
void run(const Extent& grid, const Extent& block, const std::function<void()>& body);

// What the words stand on; called by a thread of a running block alone.

/// A place, for messages.
struct Line {
  const char* file;
  int number;
};
void sync_block(Line line);
void fence();
void sync_warp(std::uint32_t mask);
/// Which lane a lane reads from.
using Pick = unsigned (*)(unsigned lane, unsigned argument, unsigned width);
/// Every lane of the mask gives its bits and gets those of the lane that `pick` names.
std::uint64_t exchange(std::uint32_t mask, std::uint64_t bits, Pick pick, unsigned argument,
                       unsigned width);
/// The lanes of the mask whose predicate holds.
std::uint32_t ballot(std::uint32_t mask, bool predicate);
void require_aligned(const void* at, std::size_t bytes);

}  // namespace simt
