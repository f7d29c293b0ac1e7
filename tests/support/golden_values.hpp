// Numbers of an arithmetic rule that the scripts which make goldens repeat in Python.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace afterglow {

/// Numbers in [-1, 1), the j-th from the name's hash and j.
inline std::vector<double> golden_values(const std::string& name, std::int64_t count) {
  std::uint64_t seed = 0xCBF29CE484222325ULL;
  for (const char byte : name) {
    seed = (seed ^ static_cast<unsigned char>(byte)) * 0x100000001B3ULL;
  }
  std::vector<double> values;
  for (std::int64_t j = 0; j < count; ++j) {
    std::uint64_t z = seed + static_cast<std::uint64_t>(j) * 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    z ^= z >> 31;
    values.push_back(static_cast<double>(z >> 40) / 0x1.0p23 - 1);
  }
  return values;
}

}  // namespace afterglow
