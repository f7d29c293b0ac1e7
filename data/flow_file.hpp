// Optical flow and its files in Middlebury's .flo format.
#pragma once

#include <filesystem>
#include <vector>

namespace afterglow {

/// Where each pixel goes: (H, W, 2), (u right, v down) in pixels. kUnknownFlow in both marks pixels
/// without a true flow.
struct Flow {
  int width = 0;
  int height = 0;
  std::vector<float> uv;

  Flow() = default;
  Flow(int w, int h) : width(w), height(h), uv(std::size_t(w) * std::size_t(h) * 2) {}
  bool operator==(const Flow&) const = default;
};

/// Middlebury's mark: every value above 1e9 in size means unknown.
inline constexpr float kUnknownFlow = 1e10F;

/// Writes a .flo file whole or not at all: the float 202021.25, int32 width and height, then the
/// values row by row, little-endian (Baker et al., "A Database and Evaluation Methodology for
/// Optical Flow", 2011). Throws InputError or RunError.
void write_flow(const std::filesystem::path& path, const Flow& flow);

/// Reads a .flo file. Throws InputError when missing, not a .flo file, truncated, or larger than
/// 16384 a side.
Flow read_flow(const std::filesystem::path& path);

}  // namespace afterglow
