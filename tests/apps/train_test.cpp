// `afterglow train` as a user runs it: what a run folder holds, and that options do what they say.
#include <algorithm>
#include <catch2/catch.hpp>

#include "data/batches.hpp"
#include "nn/checkpoint.hpp"
#include "nn/ops/ops.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"
#include "training_data.hpp"
#include "weights/keras_config.hpp"

namespace afterglow::test {
namespace fs = std::filesystem;
namespace {

using Strings = std::vector<std::string>;

constexpr std::size_t kSteps = 8;  // two epochs of four batches

void train(const Strings& arguments) {
  const ProgramResult result = run_afterglow(arguments);
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
}

Bits encoder_bits(const fs::path& path) {
  Bits bits = model_bits(path);
  std::erase_if(bits, [](const auto& entry) {
    return entry.first.find("model_weights/vgg16/") == std::string::npos;
  });
  return bits;
}

}  // namespace

TEST_CASE("a run folder holds models, configuration and a line a step", "[app]") {
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5", run = folder.path() / "runs" / "a";
  write_waves(data, kSmallData);
  train(training(data, run));

  for (const char* name : {"best.h5", "last.h5", "model.h5", "config.toml", "log.jsonl"}) {
    CHECK(fs::exists(run / name));
  }
  CHECK(std::distance(fs::directory_iterator(run), {}) == 5);  // nothing half written beside them
  CHECK((model_bits(run / "best.h5") == model_bits(run / "model.h5")));

  std::int64_t step = 0, epoch = 0;
  double best = std::numeric_limits<double>::infinity();
  for (const auto& entry : log_entries(run)) {
    if (entry.contains("step")) {
      CHECK(entry["step"] == ++step);
      CHECK(entry["epoch"] == epoch + 1);
      const double parts =
          0.8 * entry["fidelity"].get<double>() + 0.2 * entry["temporal"].get<double>();
      CHECK(entry["loss"].get<double>() == Approx(parts));
    } else {
      CHECK(entry["epoch"] == ++epoch);
      const double loss = entry["validation_loss"];
      CHECK(entry["best"] == (loss < best));
      best = std::min(best, loss);
    }
  }
  CHECK(step == kSteps);
  CHECK(epoch == 2);

  const ModelHeader last = read_model_header(run / "last.h5");
  REQUIRE(last.training);
  CHECK(last.has_optimizer);
  CHECK(last.training->step == kSteps);
  CHECK(last.training->epoch == 2);
  CHECK(last.training->best_loss == best);
  CHECK_FALSE(read_model_header(run / "model.h5").has_optimizer);
}

TEST_CASE("the same command gives the same bits, from its configuration file too", "[app]") {
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5";
  write_waves(data, kSmallData);
  const fs::path once = folder.path() / "once", again = folder.path() / "again";
  train(training(data, once,
                 {"--previous", "own", "--unroll", "2", "--clip-norm", "5", "--seed", "3"}));
  train({"train", "--config", (once / "config.toml").string(), "--out", again.string()});
  check_same_runs(once, again);
  const fs::path other = folder.path() / "other";
  train({"train", "--config", (once / "config.toml").string(), "--out", other.string(), "--seed",
         "4"});
  CHECK(log_entries(once) != log_entries(other));
}

TEST_CASE("without clips held out the last network is the one to use", "[app]") {
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5", run = folder.path() / "run";
  write_waves(data, {{"a", 4, Split::kTrain}});
  train(training(data, run));
  CHECK_FALSE(fs::exists(run / "best.h5"));
  const Bits model = model_bits(run / "model.h5");
  const Bits last = model_bits(run / "last.h5");
  for (const auto& [path, values] : model) CHECK((values == last.at(path)));
}

TEST_CASE("re-estimating (--bn) changes the statistics and nothing else", "[app]") {
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5";
  write_waves(data, {{"a", 6, Split::kTrain}});
  const fs::path ours = folder.path() / "ours", keras = folder.path() / "keras";
  train(training(data, ours));
  train(training(data, keras, {"--bn", "keras"}));
  CHECK(log_steps(ours) == log_steps(keras));
  const Bits a = model_bits(ours / "model.h5"), b = model_bits(keras / "model.h5");
  for (const auto& [path, values] : a) {
    const bool statistic = path.find("moving_") != std::string::npos;
    INFO(path);
    CHECK((values == b.at(path)) != statistic);
  }
}

TEST_CASE("beta = 1 trains on plain mean squared error", "[app]") {
  // Both follow the same float32 steps but for the order of the sums in loss and gradient; a few
  // steps of Adam amplify that (its first step is the gradient's sign), by far less than this.
  constexpr double kRelative = 2e-3;
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5", run = folder.path() / "run";
  write_waves(data, {{"a", 6, Split::kTrain}});
  train(training(data, run, {"--beta", "1", "--order", "sequential", "--seed", "5"}));
  const auto steps = log_steps(run);
  REQUIRE(steps.size() == 4);

  const auto model = make_model(make_cpu_backend(), {}, 5);
  const auto backend = model->weights().front().value.backend();
  Adam adam(model->parameters(), {});
  model->train(true);
  BatchOptions options;
  options.batch = 3;
  options.order = BatchOrder::kSequential;
  options.epochs = 2;
  BatchProducer batches(std::make_shared<const Dataset>(data), options);
  for (const auto& entry : steps) {
    const std::optional<Batch> batch = batches.next();
    REQUIRE(batch);
    const Shape shape{batch->count(), kNetworkSize, kNetworkSize, 3};
    const Variable x =
        ops::concat_channels(Variable(Tensor::from_host(backend, shape, batch->current)),
                             Variable(Tensor::from_host(backend, shape, batch->previous)));
    const Variable loss =
        ops::mse(model->forward(x), Tensor::from_host(backend, shape, batch->truth));
    CHECK(entry["loss"] == entry["fidelity"]);
    CHECK(entry["loss"].get<double>() ==
          Approx(static_cast<double>(loss.value().item())).epsilon(kRelative));
    backward(loss);
    adam.step();
  }
}

TEST_CASE("a frozen VGG16 encoder keeps its bits through training", "[app]") {
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5", run = folder.path() / "run",
                 start = folder.path() / "start.h5";
  write_waves(data, {{"a", 2, Split::kTrain}});
  save_model(start, *make_model(make_cpu_backend(), {Arch::kVgg16, Decoder::kUpsample}, 11),
             "resize");
  train({"train", "--data", data.string(), "--out", run.string(), "--arch", "vgg16", "--init",
         start.string(), "--batch", "2", "--epochs", "2"});
  const Bits before = encoder_bits(start);
  REQUIRE(before.size() == 26);  // kernels and biases of 13 convolutions
  CHECK((before == encoder_bits(run / "model.h5")));
  const Bits whole = model_bits(start), trained = model_bits(run / "model.h5");
  const std::string entry = "model_weights/conv2d/conv2d/kernel:0";  // learns through the encoder
  CHECK((whole.at(entry) != trained.at(entry)));
}

TEST_CASE(
    "training with --previous own learns something else with and without gradients through time",
    "[app]") {
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5";
  write_waves(data, {{"a", 6, Split::kTrain}});
  const Strings own{"--previous", "own", "--unroll", "3", "--order", "sequential"};
  Strings stopped = own;
  stopped.emplace_back("--stop-gradient");
  train(training(data, folder.path() / "baseline", {"--order", "sequential"}));
  train(training(data, folder.path() / "through", own));
  train(training(data, folder.path() / "stopped", stopped));
  const auto baseline = log_steps(folder.path() / "baseline");
  const auto through = log_steps(folder.path() / "through");
  const auto stop = log_steps(folder.path() / "stopped");
  CHECK(through.at(0) == stop.at(0));  // gradients do not change the first forward pass
  CHECK(through.at(1) != stop.at(1));
  CHECK(through.at(0) != baseline.at(0));
}

TEST_CASE("a loss that is not a number ends the run and keeps the last checkpoint", "[app]") {
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5", run = folder.path() / "run",
                 start = folder.path() / "start.h5";
  write_waves(data, {{"a", 3, Split::kTrain}});
  write_exploding_model(start);
  const ProgramResult result = run_afterglow(training(data, run, {"--init", start.string()}));
  CHECK(result.exit_code == 1);
  CHECK_THAT(result.err, Catch::Contains("step 1") && Catch::Contains("--lr") &&
                             Catch::Contains("--clip-norm"));
  CHECK_FALSE(fs::exists(run / "model.h5"));
}

TEST_CASE("options that contradict each other are named", "[app]") {
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5", run = folder.path() / "run";
  write_waves(data, {{"a", 2, Split::kTrain}});
  const std::vector<Strings> table{
      {"--order shuffled-frames", "--previous", "own", "--order", "shuffled-frames"},
      {"--stop-gradient", "--stop-gradient"},
      {"--vgg16-weights", "--vgg16-weights", data.string()},
      {"--vgg16-partial", "--vgg16-partial"},
      {"--previous", "--previous", "truth"},
      {"--bn", "--bn", "torch"},
      {"--clip-norm", "--clip-norm", "-1"},
      {"--lr", "--lr", "inf"},
      {"--save-every", "--save-every", "-5"},
      {"--seed", "--seed", "-1"},
      {"train.beat", "--config", (folder.path() / "wrong.toml").string()},
  };
  std::ofstream(folder.path() / "wrong.toml") << "[train]\nbeat=0.5\n";
  for (const Strings& row : table) {
    const ProgramResult result = run_afterglow(training(data, run, {row.begin() + 1, row.end()}));
    INFO(row.front() << ": " << result.err);
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.err, Catch::StartsWith("afterglow: ") && Catch::Contains(row.front()));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CHECK_FALSE(fs::exists(run));
  }
}

TEST_CASE("train: a Keras model with Adam's state goes on to the bits of the same checkpoint",
          "[app]") {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return folder.path() / name; };
  write_waves(file("data.h5"), {{"a", 3, Split::kTrain}});
  const auto model = make_model(make_cpu_backend(), {}, 3);
  Adam adam(model->parameters(), {});
  adam.set_steps(5);
  {
    hdf5::File keras = hdf5::File::create(file("keras.h5"));
    keras.write_attribute(".", "model_config", keras_config(model->describe()));
    save_keras_weights(keras, *model);
    hdf5::Group state = keras.create_group("optimizer_weights");
    const std::int64_t steps = adam.steps();
    state.write<std::int64_t>("iteration:0", {}, {&steps, 1});
    std::vector<std::string> names{"iteration:0"};
    for (const auto& [kind, moments] :
         {std::pair{"m", adam.first_moments()}, {"v", adam.second_moments()}}) {
      for (const Weight& weight : moments) {
        std::vector<float> values(std::size_t(weight.value.size()), 0.01F);
        Tensor(weight.value).copy_from_host(values);
        std::vector<std::uint64_t> shape;
        for (int axis = 0; axis < weight.value.shape().rank(); ++axis) {
          shape.push_back(std::uint64_t(weight.value.shape()[axis]));
        }
        names.push_back(std::string("Adam/") + kind + "/" + weight.name + ":0");
        state.write<float>(names.back(), shape, values);
      }
    }
    state.write_attribute(".", "weight_names", names);
    keras.flush();
  }
  const TrainingState training_state;
  save_model(file("ours.h5"), *model, "resize", &adam, &training_state);
  const auto trained = [&](const char* init, const char* run, bool optimizer) {
    std::vector<std::string> more{"--epochs", "1", "--init", file(init)};
    if (optimizer) more.emplace_back("--init-optimizer");
    const ProgramResult result = run_afterglow(training(file("data.h5"), file(run), more));
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
  };
  trained("keras.h5", "of_keras", true);
  trained("ours.h5", "of_ours", true);
  trained("keras.h5", "weights_alone", false);
  check_same_runs(file("of_keras"), file("of_ours"));
  CHECK(model_bits(file("weights_alone") / "last.h5") != model_bits(file("of_keras") / "last.h5"));
}

TEST_CASE("train: --loss-corner sees the bottom right quarter of frames alone", "[app]") {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return folder.path() / name; };
  // The truth differs in one pixel, just outside the quarter or just inside.
  const auto write = [&](const char* name, int x, int y) {
    DatasetWriter writer(file(name), {});
    for (const Split split : {Split::kTrain, Split::kVal}) {
      writer.begin_clip(split_name(split), 25, "", split);
      for (int t = 0; t < 3; ++t) {
        Picture truth = wave(0, t, 1);
        truth.rgb[3 * (std::size_t(y) * 128 + std::size_t(x))] ^= 128;
        writer.add_frame(wave(0, t, 0.5), truth);
      }
    }
    writer.commit();
  };
  write("far.h5", 0, 0);
  write("left.h5", 63, 127);
  write("above.h5", 127, 63);
  write("inside.h5", 64, 64);
  const auto trained = [&](const std::string& name, const Strings& more) {
    const fs::path run = file((name + std::to_string(more.size())).c_str());
    Strings options{"--epochs", "1"};
    options.insert(options.end(), more.begin(), more.end());
    train(training(file((name + ".h5").c_str()), run, options));
    auto entries = log_entries(run);
    return std::pair{model_bits(run / "model.h5"), entries};
  };
  const Strings corner{"--loss-corner"};
  const auto far = trained("far", corner);
  CHECK((trained("left", corner) == far));
  CHECK((trained("above", corner) == far));
  CHECK_FALSE((trained("inside", corner) == far));
  CHECK_FALSE((trained("left", {}) == trained("far", {})));
}

namespace {

/// A texture that moves to the right by two pixels a frame, with that flow, or with none known.
void write_moving(const fs::path& path, float u, int frames = 5) {
  DatasetWriter writer(path, {});
  std::vector<float> flow(2 * 128 * 128);
  for (std::size_t i = 0; i < flow.size(); i += 2) flow[i] = u;
  for (const Split split : {Split::kTrain, Split::kVal}) {
    writer.begin_clip(split_name(split), 25, "", split);
    for (int t = 0; t < frames; ++t) {
      Picture picture(128, 128);
      for (std::size_t i = 0; i < picture.rgb.size(); ++i) {
        const std::size_t x = i / 3 % 128 + 256 - 2 * std::size_t(t), y = i / 384;
        picture.rgb[i] = static_cast<std::uint8_t>(128 + 60 * std::sin(0.4 * double(x + i % 3)) +
                                                   40 * std::sin(0.1 * double(y)));
      }
      writer.add_frame(picture, picture, flow);
    }
  }
  writer.commit();
}

}  // namespace

TEST_CASE("train: --temporal masked and warped count what they say", "[app]") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const TemporaryFolder folder;
  const auto file = [&](const std::string& name) { return folder.path() / name; };
  write_moving(file("moving.h5"), -2);
  write_moving(file("creeping.h5"), -1);
  write_moving(file("unknown.h5"), kNan);
  const auto trained = [&](const std::string& data, const std::string& temporal) {
    const fs::path run = file(data + "-" + temporal);
    train(training(file(data + ".h5"), run,
                   {"--beta", "0.5", "--epochs", "1", "--batch", "5", "--temporal", temporal}));
    return log_entries(run);
  };
  const auto of = [](const std::vector<nlohmann::json>& log, const char* key) {
    return log.front()[key].get<double>();
  };
  const auto plain = trained("moving", "plain"), warped = trained("moving", "warped");
  CHECK(of(plain, "temporal") > 0);
  CHECK(of(plain, "fidelity") == Approx(of(warped, "fidelity")).epsilon(1e-6));
  CHECK(of(warped, "temporal") > 0);
  CHECK(of(warped, "temporal") != of(plain, "temporal"));
  // All of it moves too far to be still, or is not known: no temporal term, in validation neither.
  for (const auto& log :
       {trained("moving", "masked"), trained("unknown", "masked"), trained("unknown", "warped")}) {
    CHECK(of(log, "temporal") == 0);
    CHECK(log.back()["validation_temporal"] == 0);
  }
  // One pixel is still enough: then masked is the plain term.
  const auto masked = trained("creeping", "masked");
  CHECK(of(masked, "temporal") == Approx(of(plain, "temporal")).epsilon(1e-6));
  CHECK(warped.back()["validation_temporal"] > 0);
}

TEST_CASE("train: --temporal warped teaches to follow the motion, and resumes to the same bits",
          "[app]") {
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5", whole = folder.path() / "whole",
                 part = folder.path() / "part", own = folder.path() / "own";
  write_moving(data, -2);
  // With beta 0 the temporal term alone is learnt.
  const Strings warped{"--temporal", "warped", "--beta", "0", "--batch", "5"};
  const auto with = [&](const fs::path& run, const Strings& more) {
    Strings options = warped;
    options.insert(options.end(), more.begin(), more.end());
    return training(data, run, options);
  };
  train(with(whole, {"--epochs", "6"}));
  const auto steps = log_steps(whole);
  REQUIRE(steps.size() == 6);
  CHECK(steps.back()["loss"].get<double>() < 0.5 * steps.front()["loss"].get<double>());

  train(with(part, {"--epochs", "3"}));
  const ProgramResult other = run_afterglow(
      training(data, part, {"--beta", "0", "--batch", "5", "--epochs", "6", "--resume"}));
  CHECK(other.exit_code == 2);
  CHECK_THAT(other.err, Catch::Contains("--temporal: is not given, but was"));
  train(with(part, {"--epochs", "6", "--resume"}));
  check_same_runs(whole, part);

  train(with(own, {"--epochs", "1", "--previous", "own", "--unroll", "2"}));
  CHECK(log_steps(own).front()["temporal"] > 0);
}

TEST_CASE("train: --temporal is refused without flow, and beside what it does not go with",
          "[app]") {
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5", flow = folder.path() / "flow.h5";
  write_waves(data, kSmallData);
  write_moving(flow, 0, 2);
  const auto refused = [&](const fs::path& dataset, const Strings& options,
                           const std::string& message) {
    const ProgramResult result = run_afterglow(training(dataset, folder.path() / "run", options));
    INFO(result.err);
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.err, Catch::Contains(message));
    CHECK_FALSE(fs::exists(folder.path() / "run"));
  };
  for (const char* temporal : {"masked", "warped"}) {
    refused(data, {"--temporal", temporal},
            "data.h5: has no flow, which --temporal " + std::string(temporal) +
                " needs; make it again with afterglow prepare --flow");
  }
  refused(flow, {"--temporal", "warped", "--order", "shuffled-frames"}, "--temporal warped");
  refused(flow, {"--temporal", "masked", "--loss-corner"}, "--loss-corner");
  refused(flow, {"--temporal", "bent"}, "use plain, masked or warped");
}

}  // namespace afterglow::test
