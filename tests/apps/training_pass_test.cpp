// The unrolling over own outputs, written out by hand.
#include "apps/training_pass.hpp"

#include <catch2/catch.hpp>

#include "apps/validation.hpp"
#include "nn/ops/ops.hpp"
#include "nn/optimizer.hpp"
#include "nn/recurrent_colorizer.hpp"
#include "support/temporary_folder.hpp"
#include "training_data.hpp"

namespace afterglow::test {
namespace {

std::shared_ptr<const Dataset> one_clip(const std::filesystem::path& path, int frames) {
  write_waves(path, {{"a", frames, Split::kTrain}});
  return std::make_shared<const Dataset>(path);
}

/// The clip's batch that begins at frame `index` * `size`.
Batch batch_of(const std::shared_ptr<const Dataset>& dataset, int size, std::int64_t index) {
  BatchOptions options;
  options.batch = size;
  options.order = BatchOrder::kSequential;
  options.context = context_frames({.own = true});
  return BatchProducer(dataset, options, {0, index}).next().value();
}

/// Frame t of the clip's input on the backend.
Variable input(const std::shared_ptr<Backend>& backend, const Dataset& dataset, std::int64_t t) {
  std::vector<std::uint8_t> bytes(dataset.frame_bytes());
  dataset.read_colorized("a", t, 1, bytes);
  return Variable(Tensor::from_host(backend, {1, kNetworkSize, kNetworkSize, 3},
                                    std::vector<float>(bytes.begin(), bytes.end())));
}

std::vector<std::vector<float>> gradients(const ColorizationModel& model) {
  std::vector<std::vector<float>> result;
  for (const Parameter& parameter : model.parameters()) {
    Variable value = parameter.value;
    result.push_back(value.gradient().to_host());
    value.clear_gradient();
  }
  return result;
}

struct Fixture {
  std::shared_ptr<Backend> backend = make_cpu_backend();
  std::unique_ptr<ColorizationModel> model = make_model(backend, {}, 3);
  TemporaryFolder folder;

  Variable colour(const Variable& current, const Variable& previous) const {
    return model->forward(ops::concat_channels(current, previous));
  }
};

}  // namespace

TEST_CASE("a whole clip unrolled in one segment is a film being coloured", "[network]") {
  const Fixture fixture;
  const auto dataset = one_clip(fixture.folder.path() / "data.h5", 4);
  const Batch batch = batch_of(dataset, 4, 0);
  fixture.model->train(false);
  const NoGradient guard;  // as films are coloured: it decides about algorithms
  const Variable all = predict_batch(*fixture.model, BatchTensors(fixture.backend, batch),
                                     {.own = true, .unroll = 9});
  RecurrentColorizer colorizer(*fixture.model, Previous::kOwn);
  for (std::int64_t t = 0; t < 4; ++t) {
    INFO("frame " << t);
    const Tensor expected = colorizer.step(input(fixture.backend, *dataset, t).value());
    CHECK((ops::slice_frames(all, t, 1).value().to_host() == expected.to_host()));
  }
}

TEST_CASE("segments begin with the network's own picture of the frame before", "[network]") {
  // In inference mode a frame's output does not depend on its neighbours in the batch but for the
  // blocking of float32 sums.
  constexpr float kTolerance = 1e-3F;  // of pixels 0..255
  const Fixture fixture;
  const auto dataset = one_clip(fixture.folder.path() / "data.h5", 10);
  const Batch batch = batch_of(dataset, 5, 1);  // frames 5..9: segments 5 6, 7 8, 9
  fixture.model->train(false);
  const NoGradient guard;
  const Variable all = predict_batch(*fixture.model, BatchTensors(fixture.backend, batch),
                                     {.own = true, .unroll = 2});
  const auto frame = [&](std::int64_t t) { return input(fixture.backend, *dataset, t); };
  for (const std::int64_t first : {5, 7, 9}) {
    Variable previous = fixture.colour(frame(first - 1), frame(first - 2));
    for (std::int64_t t = first; t < std::min<std::int64_t>(first + 2, 10); ++t) {
      previous = fixture.colour(frame(t), previous);
      const auto expected = previous.value().to_host();
      const auto result = ops::slice_frames(all, t - 5, 1).value().to_host();
      float largest = 0;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        largest = std::max(largest, std::abs(expected[i] - result[i]));
      }
      INFO("frame " << t);
      CHECK(largest < kTolerance);
    }
  }
}

TEST_CASE("gradients go through time, or are stopped", "[network]") {
  const Fixture fixture;
  const auto dataset = one_clip(fixture.folder.path() / "data.h5", 2);
  const Batch batch = batch_of(dataset, 2, 0);
  const Tensor truth = BatchTensors(fixture.backend, batch).truth();
  std::vector<std::vector<std::vector<float>>> found;
  for (const bool stop : {false, true}) {
    // Batch statistics of single frames, as both ways of writing it see them.
    fixture.model->train(true);
    backward(ops::mse(predict_batch(*fixture.model, BatchTensors(fixture.backend, batch),
                                    {.own = true, .unroll = 2, .stop_gradient = stop}),
                      truth));
    found.push_back(gradients(*fixture.model));

    const KernelsStay stay;  // as there: algorithms are chosen by it
    const Variable c0 = input(fixture.backend, *dataset, 0);
    const Variable y0 = fixture.colour(c0, c0);
    const Variable y1 =
        fixture.colour(input(fixture.backend, *dataset, 1), stop ? y0.detached() : y0);
    backward(ops::mse(ops::concat_frames(std::vector<Variable>{y0, y1}), truth));
    CHECK((gradients(*fixture.model) == found.back()));
  }
  CHECK((found[0] != found[1]));
}

TEST_CASE("re-estimated statistics are the means over the batches", "[network]") {
  const Fixture fixture;
  const auto dataset = one_clip(fixture.folder.path() / "data.h5", 4);
  BatchOptions options;
  options.batch = 2;
  reestimate_norms(*fixture.model, dataset, options, {});
  CHECK_FALSE(fixture.model->training());
  const auto statistics = [&] {
    std::vector<std::vector<float>> values;
    for (const Weight& weight : fixture.model->weights()) {
      if (weight.name.find("moving_") != std::string::npos) {
        values.push_back(weight.value.to_host());
      }
    }
    return values;
  };
  const auto mean = statistics();

  // Each batch alone: momentum 0 keeps nothing of what was there before.
  fixture.model->train(true);
  fixture.model->set_norm_momentum(0);
  const NoGradient guard;
  predict_batch(*fixture.model, BatchTensors(fixture.backend, batch_of(dataset, 2, 0)), {});
  const auto first = statistics();
  predict_batch(*fixture.model, BatchTensors(fixture.backend, batch_of(dataset, 2, 1)), {});
  const auto second = statistics();
  REQUIRE(mean.size() == first.size());
  for (std::size_t i = 0; i < mean.size(); ++i) {
    for (std::size_t c = 0; c < mean[i].size(); ++c) {
      CHECK(mean[i][c] == Approx((first[i][c] + second[i][c]) / 2).epsilon(1e-5).margin(1e-5));
    }
  }
}

TEST_CASE("one clip is learnt by heart", "[slow]") {
  constexpr int kSteps = 150;
  constexpr double kShare = 0.01;  // of the first fidelity loss
  const Fixture fixture;
  const Batch batch = batch_of(one_clip(fixture.folder.path() / "data.h5", 8), 8, 0);
  const Tensor truth = BatchTensors(fixture.backend, batch).truth();
  Adam adam(fixture.model->parameters(), {.learning_rate = 1e-2});
  fixture.model->train(true);
  double first = 0, last = 0;
  int steps = 0;
  do {
    const ops::Loss loss =
        ops::temporal_mse(predict_batch(*fixture.model, BatchTensors(fixture.backend, batch), {}),
                          truth, 0.8F, batch.clip_starts);
    last = loss.parts.fidelity;
    if (steps == 0) first = last;
    backward(loss.value);
    adam.step();
  } while (++steps < kSteps && last >= kShare * first);
  INFO("fidelity loss " << first << ", after " << steps << " steps " << last);
  CHECK(last < kShare * first);
}

}  // namespace afterglow::test
