// `train --tensorboard`: event files as TensorBoard reads them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

#include "apps/event_file.hpp"
#include "apps/tensorboard.pb.h"
#include "support/peer.hpp"
#include "support/temporary_folder.hpp"
#include "training_data.hpp"

namespace afterglow::test {
namespace fs = std::filesystem;
namespace {

/// CRC-32C bit by bit, masked as in TFRecords.
std::uint32_t slow_masked_crc(const std::string& bytes) {
  std::uint32_t crc = 0xffffffffU;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) * 0x82f63b78U);
  }
  crc ^= 0xffffffffU;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

std::vector<fs::path> event_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with(EventFile::kPrefix)) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// The messages of a file's records, whose sums must be right.
std::vector<tensorboard::Event> events_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<tensorboard::Event> events;
  const auto number_at = [&bytes](std::size_t at, auto number) {
    REQUIRE(at + sizeof number <= bytes.size());
    std::memcpy(&number, bytes.data() + at, sizeof number);
    return number;
  };
  for (std::size_t at = 0; at < bytes.size();) {
    const auto length = number_at(at, std::uint64_t{});
    CHECK(number_at(at + 8, std::uint32_t{}) == slow_masked_crc(bytes.substr(at, 8)));
    REQUIRE(length < bytes.size());
    const std::string event = bytes.substr(at + 12, length);
    CHECK(number_at(at + 12 + length, std::uint32_t{}) == slow_masked_crc(event));
    REQUIRE(events.emplace_back().ParseFromString(event));
    at += 16 + length;
  }
  return events;
}

std::optional<float> scalar_in(const tensorboard::Event& event, const std::string& tag) {
  for (const auto& value : event.summary().value()) {
    if (value.tag() == tag) return value.simple_value();
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("masked CRC-32C of the tests is that of RFC 3720's check value") {
  // CRC-32C of "123456789" is e3069283.
  constexpr std::uint32_t kCheck = 0xe3069283U;
  CHECK(slow_masked_crc("123456789") == ((kCheck >> 15) | (kCheck << 17)) + 0xa282ead8U);
}

TEST_CASE("train: --tensorboard writes what the log holds, and pictures", "[app]") {
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5", run = folder.path() / "run";
  write_waves(data, kSmallData);
  const auto go = [&](const std::vector<std::string>& more) {
    const ProgramResult result = run_afterglow(training(data, run, more));
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
  };
  go({"--tensorboard", "--epochs", "1"});
  go({"--tensorboard", "--epochs", "2", "--resume"});

  const std::vector<fs::path> files = event_files(run);
  REQUIRE(files.size() == 2);
  std::vector<std::int64_t> starts, pictures;
  std::vector<tensorboard::Event> steps, epochs;
  for (const fs::path& file : files) {
    const std::vector<tensorboard::Event> events = events_of(file);
    REQUIRE(events.size() > 2);
    CHECK(events.front().file_version() == "brain.Event:2");
    for (const tensorboard::Event& event : events) {
      if (event.has_session_log()) starts.push_back(event.step());
      if (scalar_in(event, "training/loss")) steps.push_back(event);
      if (scalar_in(event, "validation/loss")) epochs.push_back(event);
      for (const auto& value : event.summary().value()) {
        if (!value.has_image()) continue;
        CHECK(value.tag() == "validation/frames");
        // A PNG file, whose header says its width and height.
        const std::string& png = value.image().encoded_image_string();
        REQUIRE(png.size() > 24);
        CHECK(png.substr(1, 3) == "PNG");
        CHECK((static_cast<unsigned char>(png[18]) << 8 | static_cast<unsigned char>(png[19])) ==
              value.image().width());
        pictures.push_back(event.step());
      }
    }
  }
  CHECK(starts == std::vector<std::int64_t>{1, 5});
  CHECK(pictures == std::vector<std::int64_t>{4, 8});

  std::size_t step = 0, epoch = 0;
  for (const auto& entry : log_entries(run)) {
    if (entry.contains("step")) {
      REQUIRE(step < steps.size());
      CHECK(steps[step].step() == entry["step"]);
      for (const std::string part : {"loss", "fidelity", "temporal"}) {
        CHECK(scalar_in(steps[step], "training/" + part) == entry[part].get<float>());
      }
      CHECK(scalar_in(steps[step], "training/frames_per_second") > 0);
      ++step;
    } else {
      REQUIRE(epoch < epochs.size());
      for (const std::string part : {"loss", "fidelity", "temporal"}) {
        CHECK(scalar_in(epochs[epoch], "validation/" + part) ==
              entry["validation_" + part].get<float>());
      }
      ++epoch;
    }
  }
  CHECK(step == steps.size());
  CHECK(epoch == epochs.size());

  // Pictures made on the way change nothing of what is learnt.
  const fs::path plain = folder.path() / "plain";
  const ProgramResult result = run_afterglow(training(data, plain));
  REQUIRE(result.exit_code == 0);
  CHECK(event_files(plain).empty());
  check_same_runs(run, plain);
}

TEST_CASE("a run without a checkpoint takes its event files away", "[app]") {
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5", run = folder.path() / "run",
                 start = folder.path() / "start.h5";
  write_waves(data, {{"a", 3, Split::kTrain}});
  write_exploding_model(start);
  const ProgramResult result =
      run_afterglow(training(data, run, {"--tensorboard", "--init", start.string()}));
  INFO(result.err);
  CHECK(result.exit_code == 1);
  CHECK_FALSE(fs::exists(run));
}

TEST_CASE("TensorBoard reads event files, and drops what a resumed run takes back", "[peer]") {
  if (!python_has("tensorboard")) return;
  const TemporaryFolder folder;
  const auto write = [&folder](std::int64_t first, std::int64_t last, double value) {
    EventFile events(folder.path(), first);
    for (std::int64_t step = first; step <= last; ++step) {
      events.add_scalars(step, {{"training/loss", value + static_cast<double>(step)}});
      events.add_picture(step, "validation/frames", wave(0, static_cast<int>(step), 1));
    }
  };
  write(1, 6, 0.25);
  write(4, 7, 100);

  constexpr const char* kScript = R"(
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator, IMAGES, SCALARS
events = EventAccumulator(sys.argv[1], size_guidance={SCALARS: 0, IMAGES: 0})
events.Reload()
print(*(f'{e.step}:{e.value}' for e in events.Scalars('training/loss')))
print(*(f'{e.step}:{e.width}x{e.height}' for e in events.Images('validation/frames')))
)";
  const ProgramResult result = run_to_end(python(), {"-c", kScript, folder.path().string()});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(result.out ==
        "1:1.25 2:2.25 3:3.25 4:104.0 5:105.0 6:106.0 7:107.0\n"
        "1:128x128 2:128x128 3:128x128 4:128x128 5:128x128 6:128x128 7:128x128\n");
}

}  // namespace afterglow::test
