// Functions of one value and their slopes in double, written from their definitions.
#pragma once

#include <vector>

#include "kernels/function.hpp"

namespace afterglow::oracle {

using Doubles = std::vector<double>;

/// f of every value.
Doubles apply(const Function& f, const Doubles& x);
/// dx = f'(x) dy; at a corner the slope that kernels/function.hpp chooses.
Doubles apply_backward(const Function& f, const Doubles& x, const Doubles& dy);

}  // namespace afterglow::oracle
