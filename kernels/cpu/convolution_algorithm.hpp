// By which algorithm a pass of a convolution is computed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "kernels/backend.hpp"
#include "kernels/cpu/onednn.hpp"
#include "kernels/cpu/winograd_transforms.hpp"

namespace afterglow {

/// How a pass is computed.
enum class ConvolutionAlgorithm : std::int32_t {
  kDirect,         // oneDNN's direct convolution
  kProduct,        // the windows gathered, one matrix product
  kWinograd4,      // kernels/cpu/winograd.hpp with 4 points a side
  kWinograd6,      // with 6
  kLateWinograd4,  // with 4, the kernel transformed as it is used
  kLateWinograd6,  // with 6
  kNarrow,         // kernels/cpu/narrow_convolution.hpp
  kBfloat16,       // oneDNN's direct convolution of values rounded to bfloat16
};

/// Points a side of Winograd's; 0 for the others.
std::size_t points_a_side(ConvolutionAlgorithm algorithm);

/// The tiles of one of Winograd's for a forward pass of s.
WinogradTiles tiles_of(const ConvolutionShape& s, ConvolutionAlgorithm algorithm);

/// Its name for people; s has the kernel that the pass has.
std::string algorithm_name(const ConvolutionShape& s, ConvolutionAlgorithm algorithm);

/// The one place that chooses, by a model of the time that each would take. `constant`: what is
/// made of the kernel is kept from call to call.
ConvolutionAlgorithm choose_algorithm(const ConvolutionShape& s, ConvolutionPass pass,
                                      bool constant,
                                      ConvolutionChoice choice = ConvolutionChoice::kAuto,
                                      Precision precision = Precision::kFloat32);

}  // namespace afterglow
