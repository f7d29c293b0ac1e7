// The steady networks: what they begin as, and values and gradients against PyTorch
// (data/steady_peer.py).
#include "nn/models/steady.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <vector>

#include "base/error.hpp"
#include "base/hdf5.hpp"
#include "kernels/backend.hpp"
#include "nn/models/steady_loss.hpp"
#include "nn/ops/ops.hpp"
#include "support/largest.hpp"
#include "support/peer.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

using test::largest_difference;

/// Of ab in units of 50, which are about 1 in size, and of a loss: both sides sum float32 in orders
/// of their own, through 14 layers and four or twenty frames in a row.
constexpr double kSumRounding = 1e-4;
/// Of gradients, relative to the largest of their layer: through the recurrence and back.
constexpr double kGradientRounding = 1e-3;
/// Of ab, CIE units, over twenty frames of a film: what issue and page promise.
constexpr double kParity = 0.1;

/// Planes of frames (1, 16, 8) that nothing moves in.
SteadyFrames still_frame(const std::shared_ptr<Backend>& backend, float lightness, float a, float b,
                         bool follows) {
  const auto plane = [&](std::int64_t channels, float value) {
    return Tensor::full(backend, {1, 16, 8, channels}, value);
  };
  std::vector<float> ab;
  for (int i = 0; i < 16 * 8; ++i) ab.insert(ab.end(), {a, b});
  return {plane(4, lightness),
          plane(1, lightness),
          Tensor::from_host(backend, {1, 16, 8, 2}, std::span<const float>(ab)),
          plane(2, 0),
          plane(1, follows ? 1.0F : 0.0F),
          plane(1, -1)};
}

SteadyState nothing_before(const std::shared_ptr<Backend>& backend) {
  return {Variable(Tensor::zeros(backend, {1, 16, 8, 2})), Tensor::zeros(backend, {1, 16, 8, 1})};
}

void require_ab(const Variable& y, double a, double b) {
  const std::vector<float> values = y.value().to_host();
  for (std::size_t i = 0; i < values.size(); i += 2) {
    REQUIRE(double{values[i]} == Approx(a).margin(1e-6));
    REQUIRE(double{values[i + 1]} == Approx(b).margin(1e-6));
  }
}

/// A file of the peer, frame by frame.
class PeerFile {
 public:
  PeerFile(const std::filesystem::path& path, std::shared_ptr<Backend> backend)
      : file_(hdf5::File::open(path)), backend_(std::move(backend)) {}

  std::size_t frames() const { return file_.dataset_info("luma").shape[0]; }

  /// Frame t of a dataset (T, N, ...), padded to four extents.
  Tensor at(const std::string& key, std::size_t t) const {
    std::vector<std::int64_t> shape;
    for (const std::uint64_t extent : file_.dataset_info(key).shape) {
      shape.push_back(static_cast<std::int64_t>(extent));
    }
    shape.erase(shape.begin());
    while (shape.size() < 4) shape.push_back(1);
    const Shape one{std::span<const std::int64_t>(shape)};
    const std::vector<float> all = file_.read<float>(key);
    const auto size = static_cast<std::size_t>(one.size());
    return Tensor::from_host(backend_, one, std::span(all).subspan(t * size, size));
  }

  std::vector<float> values(const std::string& key) const { return file_.read<float>(key); }

  SteadyFrames frame(std::size_t t) const {
    return {at("luma", t), at("lightness", t), at("input", t),
            at("flow", t), at("follows", t),   at("kind", t)};
  }

  void load_weights(const SteadyModel& model) const {
    for (const Weight& weight : model.weights()) {
      Tensor value = weight.value;
      value.copy_from_host(std::span<const float>(values("weights/" + weight.name)));
    }
  }

 private:
  hdf5::File file_;
  std::shared_ptr<Backend> backend_;
};

SteadyState state_before(const PeerFile& peer, const std::shared_ptr<Backend>& backend) {
  const SteadyFrames first = peer.frame(0);
  return {Variable(Tensor::zeros(backend, first.input.shape())),
          Tensor::zeros(backend, first.lightness.shape())};
}

void run_peer(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), std::string(AFTERGLOW_TEST_DATA) + "/steady_peer.py");
  const test::ProgramResult result = test::run_to_end(test::python(), arguments);
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
}

}  // namespace

TEST_CASE("the steady networks have the weights that they are said to have") {
  const auto backend = make_cpu_backend();
  CHECK(make_steady(backend, SteadyArch::kSteady, 1)->weight_count() == 357558);
  CHECK(make_steady(backend, SteadyArch::kFlowAverage, 1)->weight_count() == 2);
}

TEST_CASE("a fresh steady network is an average over time along the flow") {
  const auto backend = make_cpu_backend();
  const auto arch = GENERATE(SteadyArch::kSteady, SteadyArch::kFlowAverage);
  const auto model = make_steady(backend, arch, 3);
  const NoGradient guard;
  SteadyState state = nothing_before(backend);
  state.chroma = model->step(still_frame(backend, 0, 0.4F, -0.2F, false), state);
  state.lightness = still_frame(backend, 0, 0, 0, true).lightness;
  require_ab(state.chroma, 0.4, -0.2);  // a first frame is its input
  const double share = arch == SteadyArch::kSteady ? 1 / (1 + std::exp(-1.4)) : 0.8;
  SECTION("where nothing changes, most of the colour is carried on") {
    const Variable y = model->step(still_frame(backend, 0, 0, 0.6F, true), state);
    require_ab(y, share * 0.4, share * -0.2 + (1 - share) * 0.6);
  }
  SECTION("where the light changes, less is") {
    const double trust = std::exp(-std::pow(50 * 0.1 / 8, 2));
    const Variable y = model->step(still_frame(backend, 0.1F, 0, 0, true), state);
    require_ab(y, trust * share * 0.4, trust * share * -0.2);
  }
  SECTION("a frame that follows nothing forgets") {
    require_ab(model->step(still_frame(backend, 0, 0.1F, 0.1F, false), state), 0.1, 0.1);
  }
}

TEST_CASE("the average of flow-average has no colour in black") {
  const auto backend = make_cpu_backend();
  const auto model = make_steady(backend, SteadyArch::kFlowAverage, 3);
  const float at_5 = 5.0F / 50 - 1;  // half of the way from L = 2 to 8
  const SteadyState state = nothing_before(backend);
  require_ab(model->step(still_frame(backend, at_5, 0.4F, 0.2F, false), state), 0.2, 0.1);
  require_ab(model->step(still_frame(backend, -1, 0.4F, 0.2F, false), state), 0, 0);
}

TEST_CASE("planes that do not fit together are refused") {
  const auto backend = make_cpu_backend();
  const auto model = make_steady(backend, SteadyArch::kSteady, 1);
  SteadyFrames frame = still_frame(backend, 0, 0, 0, true);
  SECTION("flow of another size") { frame.flow = Tensor::zeros(backend, {1, 8, 8, 2}); }
  SECTION("sides that do not halve three times") {
    frame.luma = Tensor::zeros(backend, {1, 12, 8, 4});
  }
  CHECK_THROWS_AS(model->step(frame, nothing_before(backend)), ShapeError);
}

TEST_CASE("the steady network, its loss and gradients are PyTorch's", "[peer]") {
  if (!test::python_has("torch, h5py")) return;
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "peer.h5";
  run_peer({path.string()});
  const auto backend = make_cpu_backend();
  const PeerFile peer(path, backend);
  const auto model = make_steady(backend, SteadyArch::kSteady, 1);
  peer.load_weights(*model);
  SteadyState state = state_before(peer, backend);
  Variable before, total;
  Tensor truth_before;
  for (std::size_t t = 0; t < peer.frames(); ++t) {
    const SteadyFrames frame = peer.frame(t);
    state = {model->step(frame, state), frame.lightness};
    CHECK(largest_difference(state.chroma.value().to_host(), peer.at("chroma", t).to_host()) <
          kSumRounding);
    const Tensor truth = peer.at("true_chroma", t);
    const Tensor colour = frame_colour(Variable(truth)).value();
    const Variable loss = steady_loss(
        state.chroma, {truth, peer.at("weights_of_frames", t), colour}, before, truth_before);
    total = total ? ops::add(total, loss) : loss;
    before = state.chroma;
    truth_before = truth;
  }
  total = ops::affine(total, 1.0F / static_cast<float>(peer.frames()), 0);
  CHECK(double{total.value().item()} ==
        Approx(double{peer.values("loss")[0]}).margin(kSumRounding));
  backward(total);
  for (const Parameter& parameter : model->parameters()) {
    INFO(parameter.name);
    const std::vector<float> expected = peer.values("gradients/" + parameter.name);
    double largest = 0;
    for (const float value : expected) largest = std::max(largest, std::abs(double{value}));
    CHECK(largest > 0);
    CHECK(largest_difference(parameter.value.gradient().to_host(), expected) <
          kGradientRounding * largest);
  }
}

TEST_CASE("twenty frames of a film come out as PyTorch's recipe makes them", "[peer]") {
  const char* const prototype = std::getenv("AFTERGLOW_STEADY_PROTOTYPE");
  const char* const clip = std::getenv("AFTERGLOW_STEADY_CLIP");
  if (prototype == nullptr || clip == nullptr) {
    std::cout << "SKIPPED: AFTERGLOW_STEADY_PROTOTYPE and AFTERGLOW_STEADY_CLIP name no folders\n";
    return;
  }
  if (!test::python_has("torch, h5py, cv2")) return;
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "peer.h5";
  run_peer({path.string(), prototype, clip});
  const auto backend = make_cpu_backend();
  const PeerFile peer(path, backend);
  const auto model = make_steady(backend, SteadyArch::kSteady, 1);
  peer.load_weights(*model);
  const NoGradient guard;
  SteadyState state = state_before(peer, backend);
  double largest = 0;
  REQUIRE(peer.frames() == 20);
  for (std::size_t t = 0; t < peer.frames(); ++t) {
    const SteadyFrames frame = peer.frame(t);
    state = {model->step(frame, state), frame.lightness};
    const Tensor expected = peer.at("chroma", t);
    largest = std::max(largest,
                       50 * largest_difference(state.chroma.value().to_host(), expected.to_host()));
  }
  std::cout << "largest difference of ab over 20 frames: " << largest << '\n';
  CHECK(largest < kParity);
}

}  // namespace afterglow
