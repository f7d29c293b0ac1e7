// A small dataset to train on, and what two runs have in common: models bit by bit, and logs.
#pragma once

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/hdf5.hpp"
#include "data/dataset.hpp"
#include "nn/checkpoint.hpp"

namespace afterglow::test {

/// Smooth waves of colour that move with time.
inline Picture wave(double phase, int t, double saturation) {
  Picture picture(128, 128);
  std::size_t at = 0;
  for (int y = 0; y < 128; ++y) {
    for (int x = 0; x < 128; ++x) {
      const double luma = 128 + 50 * std::sin(0.05 * x + 0.2 * t + phase);
      for (const double angle : {0.0, 2.1, 4.2}) {
        const double chroma = 60 * std::sin(0.03 * y + 0.1 * t + angle + 2 * phase);
        picture.rgb[at++] = static_cast<std::uint8_t>(luma + saturation * chroma);
      }
    }
  }
  return picture;
}

struct ClipRequest {
  std::string id;
  int frames;
  Split split;
};

/// Clips of waves; the input is a paler version whose phase flickers. With `flow`, they are said to
/// stand still.
inline void write_waves(const std::filesystem::path& path, const std::vector<ClipRequest>& clips,
                        bool flow = false) {
  const std::vector<float> still(flow ? 2 * 128 * 128 : 0);
  DatasetWriter writer(path, {});
  double phase = 0;
  for (const ClipRequest& clip : clips) {
    writer.begin_clip(clip.id, 25, clip.id + ".mkv", clip.split);
    for (int t = 0; t < clip.frames; ++t) {
      writer.add_frame(wave(phase + 0.1 * (t % 2), t, 0.5), wave(phase, t, 1), still);
    }
    phase += 1;
  }
  writer.commit();
}

/// Two clips to train on, one to validate on; four steps an epoch with batches of three.
inline const std::vector<ClipRequest> kSmallData{
    {"a", 6, Split::kTrain}, {"b", 6, Split::kTrain}, {"v", 4, Split::kVal}};

using Options = std::vector<std::pair<std::string, std::string>>;

/// All arguments of a small training; what is in `more` takes the place of the usual.
inline std::vector<std::string> training(
    const std::filesystem::path& data, const std::filesystem::path& run,
    const std::vector<std::string>& more = {},
    const Options& usual = {{"--arch", "alexnet"}, {"--batch", "3"}, {"--epochs", "2"}}) {
  std::vector<std::string> arguments{"train", "--data", data.string(), "--out", run.string()};
  for (const auto& [option, value] : usual) {
    if (std::find(more.begin(), more.end(), option) != more.end()) continue;
    arguments.insert(arguments.end(), {option, value});
  }
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// A network whose first loss is no number.
inline void write_exploding_model(const std::filesystem::path& path) {
  const auto model = make_model(make_cpu_backend(), {}, 1);
  model->weights().back().value.copy_from_host(std::vector<float>(3, 1e30F));  // squares overflow
  save_model(path, *model, "resize");
}

using Bits = std::map<std::string, std::vector<std::uint64_t>>;

inline void collect_bits(const hdf5::Group& group, const std::string& prefix, Bits& bits) {
  for (const std::string& name : group.names()) {
    if (group.is_group(name)) {
      collect_bits(group.open_group(name), prefix + name + "/", bits);
      continue;
    }
    std::vector<std::uint64_t>& values = bits[prefix + name];
    if (group.dataset_info(name).element == hdf5::DatasetInfo::Element::kInteger) {
      values = group.read<std::uint64_t>(name);
    } else {
      for (const float value : group.read<float>(name)) {
        values.push_back(std::bit_cast<std::uint32_t>(value));
      }
    }
  }
}

/// Every dataset of a model file by path.
inline Bits model_bits(const std::filesystem::path& path) {
  Bits bits;
  collect_bits(hdf5::File::open(path), "", bits);
  return bits;
}

/// The log's entries without `seconds`.
inline std::vector<nlohmann::json> log_entries(const std::filesystem::path& run) {
  std::ifstream file(run / "log.jsonl");
  std::vector<nlohmann::json> entries;
  for (std::string line; std::getline(file, line);) {
    entries.push_back(nlohmann::json::parse(line));
    CHECK(entries.back().erase("seconds") == 1);
  }
  return entries;
}

/// The entries of steps alone.
inline std::vector<nlohmann::json> log_steps(const std::filesystem::path& run) {
  std::vector<nlohmann::json> steps;
  for (const auto& entry : log_entries(run)) {
    if (entry.contains("step")) steps.push_back(entry);
  }
  return steps;
}

/// Checks that two runs ended with the same bits.
inline void check_same_runs(const std::filesystem::path& run, const std::filesystem::path& other) {
  CHECK(log_entries(run) == log_entries(other));
  for (const char* name : {"best.h5", "last.h5", "model.h5"}) {
    REQUIRE(std::filesystem::exists(run / name) == std::filesystem::exists(other / name));
    if (!std::filesystem::exists(run / name)) continue;
    const Bits bits = model_bits(run / name);
    const Bits other_bits = model_bits(other / name);
    REQUIRE(bits.size() == other_bits.size());
    for (const auto& [path, values] : bits) {
      INFO(name << " " << path);
      CHECK((values == other_bits.at(path)));
    }
  }
}

}  // namespace afterglow::test
