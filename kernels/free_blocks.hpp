// Which parts of a range of addresses are free: the bookkeeping of both backends' memory.
#pragma once

#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace afterglow {

/// Blocks of a range, handed out by best fit; neighbours that are free become one block again.
class FreeBlocks {
 public:
  /// The start of a block of `size`, cut from the smallest free one that it fits in.
  std::optional<std::size_t> take(std::size_t size) {
    const auto fit = by_size_.lower_bound({size, 0});
    if (fit == by_size_.end()) return std::nullopt;
    const auto [block, start] = *fit;
    remove(start, block);
    if (block > size) insert(start + size, block - size);
    return start;
  }

  /// Makes [start, start + size) free.
  void give(std::size_t start, std::size_t size) {
    const auto behind = by_start_.find(start + size);
    if (behind != by_start_.end()) {
      const std::size_t more = behind->second;
      remove(start + size, more);
      size += more;
    }
    const auto above = by_start_.lower_bound(start);
    if (above != by_start_.begin()) {
      const auto [before, more] = *std::prev(above);
      if (before + more == start) {
        remove(before, more);
        start = before;
        size += more;
      }
    }
    insert(start, size);
  }

  /// The size of the free block that ends at `end`; 0 when there is none.
  std::size_t free_before(std::size_t end) const {
    const auto above = by_start_.lower_bound(end);
    if (above == by_start_.begin()) return 0;
    const auto [start, size] = *std::prev(above);
    return start + size == end ? size : 0;
  }

  /// True when exactly [start, start + size) is a free block.
  bool is_free(std::size_t start, std::size_t size) const {
    const auto found = by_start_.find(start);
    return found != by_start_.end() && found->second == size;
  }

  /// The range no longer exists. It must be a free block.
  void forget(std::size_t start, std::size_t size) { remove(start, size); }

 private:
  void insert(std::size_t start, std::size_t size) {
    by_start_.emplace(start, size);
    by_size_.emplace(size, start);
  }
  void remove(std::size_t start, std::size_t size) {
    by_start_.erase(start);
    by_size_.erase({size, start});
  }

  std::map<std::size_t, std::size_t> by_start_;            // start -> size
  std::set<std::pair<std::size_t, std::size_t>> by_size_;  // (size, start)
};

}  // namespace afterglow
