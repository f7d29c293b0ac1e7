#include "kernels/cpu/convolution.hpp"
#include "support/backend_under_test.hpp"
#include "support/instruction_sets.hpp"

namespace afterglow::test {
namespace {

Tolerance tolerance_of(const ConvolutionShape& shape, Pass pass, std::size_t terms) {
  const auto as = pass == Pass::kForward        ? ConvolutionPass::kForward
                  : pass == Pass::kBackwardData ? ConvolutionPass::kBackwardData
                                                : ConvolutionPass::kBackwardWeights;
  return points_a_side(choose_algorithm(shape, as, false)) > 0 ? winograd_tolerance(terms)
                                                               : sum_tolerance(terms);
}

}  // namespace

std::shared_ptr<Backend> make_backend(ConvolutionChoice choice) { return make_cpu_backend(choice); }

std::vector<ConvolutionChoice> convolution_choices() {
  return {ConvolutionChoice::kWinograd, ConvolutionChoice::kDirect};
}

void in_every_way(const std::function<void()>& body) { for_each_instruction_set(body); }

Tolerance convolution_tolerance(const Conv2dGeometry& g, Pass pass, std::size_t terms) {
  return tolerance_of(shape_of(g), pass, terms);
}
Tolerance convolution_tolerance(const UpsampleConv2dGeometry& g, Pass pass, std::size_t terms) {
  return tolerance_of(shape_of(g), pass, terms);
}

}  // namespace afterglow::test
