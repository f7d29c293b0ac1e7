// Calls of cuDNN's backend API that are wrong, and what the stand-in says to each. The same table
// is put to the real library where there is one (against_cudnn.cpp).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "softgpu/cudnn_program.hpp"

namespace cudnn_program {

/// What the real library does with a wrong call.
enum class Real {
  kRefuses,      // with the same status
  kOtherwise,    // refuses with another status
  kAccepts,      // the stand-in is stricter
  kCrashes,      // and is not asked
  kNeedsDevice,  // cannot be asked without a card
};

struct Case {
  std::string name;
  cudnnStatus_t status;  // the stand-in's
  Real real;
  std::function<void(Writer&)> write;
};

/// Wrong calls, all but the first ones, which are right.
std::vector<Case> cases();

}  // namespace cudnn_program
