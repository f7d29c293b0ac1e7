// The parity suite (tests/kernels/*_test.cpp) holds every backend to the double oracles: each of
// its binaries says which one it tests.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "kernels/backend.hpp"
#include "support/guarded.hpp"

namespace afterglow::test {

// Defined beside each binary's tests: tests/kernels/cpu_under_test.cpp and the like.
/// A new one.
std::shared_ptr<Backend> make_backend(ConvolutionChoice choice = ConvolutionChoice::kAuto);
/// The choices that make a difference to it.
std::vector<ConvolutionChoice> convolution_choices();

/// Runs body with each of its ways to compute: the machine's instruction sets.
void in_every_way(const std::function<void()>& body);

enum class Pass { kForward, kBackwardData, kBackwardWeights };
/// What a pass that sums `terms` products of values in [-1, 1) may be off: by the algorithm that
/// the backend uses for it.
Tolerance convolution_tolerance(const Conv2dGeometry& g, Pass pass, std::size_t terms);
Tolerance convolution_tolerance(const UpsampleConv2dGeometry& g, Pass pass, std::size_t terms);

}  // namespace afterglow::test
