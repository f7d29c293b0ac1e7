#include "weights/raw_tensors.hpp"

namespace afterglow {

std::int64_t element_count(const std::vector<std::int64_t>& shape, std::int64_t largest) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) {
    // Behind an extent of 0, too: others multiply what they find here.
    if (extent < 0 || extent > largest || (count > 0 && extent > largest / count)) return -1;
    count *= extent;
  }
  return count;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "(";
  for (const std::int64_t extent : shape) {
    text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  }
  return text + ")";
}

}  // namespace afterglow
