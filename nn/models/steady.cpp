#include "nn/models/steady.hpp"

#include "base/error.hpp"
#include "nn/ops/ops.hpp"

namespace afterglow {
namespace {

constexpr float kUnit = 50;  // Lab in one of the network's
constexpr float kBelievedChange =
    8;  // of L, where the carried colours have lost most of their weight
constexpr float kShareLogit = 1.4F;  // sigmoid(1.4) = 0.80: where the average over time begins
constexpr float kLeastGain = -2, kMostGain = 1;  // what a pixel may add to the gain's logarithm
constexpr float kGainRate = 10;         // how much faster the gains learn than other weights
constexpr float kBlack = 2, kFade = 6;  // L without colour, and on to all colour

Conv2dSpec conv3(std::int32_t in, std::int32_t filters, std::int32_t stride = 1) {
  return {.in = in,
          .filters = filters,
          .size = 3,
          .padding = Padding::kCentred,
          .stride = stride,
          .activation = Activation::kNone,
          .initial = Initial::kHeNormal};
}

Conv2dSpec conv1(std::int32_t in, std::int32_t filters, Initial initial) {
  return {.in = in, .filters = filters, .activation = Activation::kNone, .initial = initial};
}

Conv2dSpec output_layer(std::int32_t in, std::int32_t filters) {
  Conv2dSpec spec = conv3(in, filters);
  spec.initial = Initial::kZero;
  spec.result = ops::Result::kFloat32;
  return spec;
}

Conv2dSpec gain_layer() {
  Conv2dSpec spec = conv1(1, 1, Initial::kZero);
  spec.result = ops::Result::kFloat32;
  return spec;
}

Variable leaky(const Conv2d& layer, const Variable& x) {
  return ops::leaky_relu(layer.forward(x), kLeakySlope);
}

Variable one_minus(const Variable& x) { return ops::affine(x, -1, 1); }

/// a where the share is 1, b where it is 0.
Variable mix(const Variable& share, const Variable& a, const Variable& b) {
  return ops::add(ops::multiply(a, share), ops::multiply(b, one_minus(share)));
}

void require(bool fits, const std::string& what) {
  if (!fits) throw ShapeError("steady: " + what);
}

void check(const SteadyFrames& now, const SteadyState& before) {
  const Shape& luma = now.luma.shape();
  require(luma.rank() == 4 && luma[3] == 4, "luma is " + luma.to_string() + ", not (N, h, w, 4)");
  require(luma[1] % kSteadyStride == 0 && luma[2] % kSteadyStride == 0,
          "luma is " + luma.to_string() + ", whose sides are no multiples of 8");
  const auto check_plane = [&](const std::string& name, const Shape& is, std::int64_t channels) {
    const Shape wanted{luma[0], luma[1], luma[2], channels};
    require(is == wanted, name + " is " + is.to_string() + ", not " + wanted.to_string());
  };
  check_plane("lightness", now.lightness.shape(), 1);
  check_plane("input", now.input.shape(), 2);
  check_plane("flow", now.flow.shape(), 2);
  check_plane("follows", now.follows.shape(), 1);
  check_plane("kind", now.kind.shape(), 1);
  check_plane("the chroma before", before.chroma.shape(), 2);
  check_plane("the lightness before", before.lightness.shape(), 1);
}

}  // namespace

std::string steady_arch_name(SteadyArch arch) {
  return arch == SteadyArch::kSteady ? "steady" : "flow-average";
}

bool is_steady_arch(const std::string& name, SteadyArch* arch) {
  for (const SteadyArch each : {SteadyArch::kSteady, SteadyArch::kFlowAverage}) {
    if (name != steady_arch_name(each)) continue;
    if (arch != nullptr) *arch = each;
    return true;
  }
  return false;
}

Variable SteadyModel::step(const SteadyFrames& now, const SteadyState& before) const {
  check(now, before);
  const Variable follows(now.follows), lightness(now.lightness), input(now.input);
  const Variable carried = mix(follows, ops::warp(before.chroma, now.flow), input);
  const Variable lightness_before =
      mix(follows, ops::warp(Variable(before.lightness), now.flow), lightness);
  const Variable change = ops::add(lightness, ops::affine(lightness_before, -1, 0));
  constexpr float kFall = kUnit / kBelievedChange;
  const Variable trust = ops::multiply(
      ops::exp(ops::affine(ops::multiply(change, change), -kFall * kFall, 0)), follows);
  const Variable mask =
      ops::clamp(ops::affine(lightness, kUnit / kFade, (kUnit - kBlack) / kFade), 0, 1);
  return run({now, carried, change, trust, mask});
}

Steady::Steady(const std::shared_ptr<Backend>& backend, Rng& rng)
    : SteadyModel("model"),
      encoder0a_("encoder0a", backend, conv3(10, 16), rng),
      encoder0b_("encoder0b", backend, conv3(16, 16), rng),
      encoder1a_("encoder1a", backend, conv3(16, 32, 2), rng),
      encoder1b_("encoder1b", backend, conv3(32, 32), rng),
      encoder2a_("encoder2a", backend, conv3(32, 64, 2), rng),
      encoder2b_("encoder2b", backend, conv3(64, 64), rng),
      encoder3a_("encoder3a", backend, conv3(64, 96, 2), rng),
      encoder3b_("encoder3b", backend, conv3(96, 96), rng),
      scene1_("scene1", backend, conv1(96, 96, Initial::kHeNormal), rng),
      scene2_("scene2", backend, conv1(96, 96, Initial::kZero), rng),
      decoder2_("decoder2", backend, conv3(96 + 64, 64), rng),
      decoder1_("decoder1", backend, conv3(64 + 32, 32), rng),
      decoder0_("decoder0", backend, conv3(32 + 16, 16), rng),
      output_("output", backend, output_layer(16, 4), rng),
      gain_("gain", backend, gain_layer(), rng) {
  for (Conv2d* layer :
       {&encoder0a_, &encoder0b_, &encoder1a_, &encoder1b_, &encoder2a_, &encoder2b_, &encoder3a_,
        &encoder3b_, &scene1_, &scene2_, &decoder2_, &decoder1_, &decoder0_, &output_, &gain_}) {
    add_child(*layer);
  }
}

Variable Steady::run(const Planes& planes) const {
  const SteadyFrames& now = planes.now;
  const Variable input(now.input);
  const auto beside = [](const Variable& a, const Variable& b) {
    return ops::concat_channels(a, b);
  };
  const Variable x = beside(beside(beside(beside(Variable(now.luma), input), planes.carried),
                                   ops::affine(planes.change, 2, 0)),
                            Variable(now.kind));
  const Variable x0 = leaky(encoder0b_, leaky(encoder0a_, x));
  const Variable x1 = leaky(encoder1b_, leaky(encoder1a_, x0));
  const Variable x2 = leaky(encoder2b_, leaky(encoder2a_, x1));
  const Variable narrow = leaky(encoder3a_, x2);
  const Variable x3 = ops::add(narrow, leaky(encoder3b_, narrow));
  const Variable scene = scene2_.forward(leaky(scene1_, ops::frame_mean(x3)));
  Variable y = ops::add_to_pixels(x3, scene);
  y = leaky(decoder2_, beside(ops::upsample_nearest(y), x2));
  y = leaky(decoder1_, beside(ops::upsample_nearest(y), x1));
  y = leaky(decoder0_, beside(ops::upsample_nearest(y), x0));
  y = output_.forward(y);
  const Variable correction = ops::slice_channels(y, 0, 2);
  const Variable share = ops::multiply(
      ops::sigmoid(ops::affine(ops::slice_channels(y, 2, 1), 1, kShareLogit)), planes.trust);
  const Variable gain =
      ops::exp(ops::add(ops::affine(gain_.forward(Variable(now.kind)), kGainRate, 0),
                        ops::clamp(ops::slice_channels(y, 3, 1), kLeastGain, kMostGain)));
  return ops::add(mix(share, planes.carried, ops::multiply(input, gain)),
                  ops::multiply(correction, planes.mask));
}

FlowAverage::FlowAverage(const std::shared_ptr<Backend>& backend, Rng& rng)
    : SteadyModel("model"), gain_("gain", backend, gain_layer(), rng) {
  add_child(gain_);
}

Variable FlowAverage::run(const Planes& planes) const {
  constexpr float kShare = 0.8F;
  const Variable gain =
      ops::exp(ops::affine(gain_.forward(Variable(planes.now.kind)), kGainRate, 0));
  const Variable average = mix(ops::affine(planes.trust, kShare, 0), planes.carried,
                               ops::multiply(Variable(planes.now.input), gain));
  return ops::multiply(average, planes.mask);
}

std::unique_ptr<SteadyModel> make_steady(const std::shared_ptr<Backend>& backend, SteadyArch arch,
                                         std::uint64_t seed) {
  Rng rng(seed);
  if (arch == SteadyArch::kFlowAverage) return std::make_unique<FlowAverage>(backend, rng);
  return std::make_unique<Steady>(backend, rng);
}

}  // namespace afterglow
