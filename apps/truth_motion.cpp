#include "apps/truth_motion.hpp"

#include <algorithm>
#include <future>
#include <utility>

#include "base/error.hpp"
#include "data/flow_file.hpp"
#include "data/names.hpp"
#include "data/optical_flow.hpp"
#include "data/pairing.hpp"
#include "data/picture_folder.hpp"

namespace afterglow {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> flows_in(const fs::path& folder) {
  std::vector<fs::path> flows;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (lower_extension(entry.path()) == ".flo") flows.push_back(entry.path());
  }
  sort_naturally(flows);
  return flows;
}

void append_flows(const fs::path& folder, std::vector<Sequence>& sequences) {
  if (!flows_in(folder).empty()) {
    sequences.push_back({clip_id(folder), folder.string(), true, nullptr});
  }
}

std::string flow_count(std::size_t count) {
  return "holds " + std::to_string(count) + (count == 1 ? " flow" : " flows");
}

constexpr const char* kOneEach = "give one .flo file from each frame to the next";

}  // namespace

std::vector<Sequence> list_flows(const std::vector<fs::path>& paths) {
  std::vector<Sequence> sequences;
  for (const fs::path& path : paths) {
    if (!fs::is_directory(path)) {
      throw InputError(path.string(), "is not a folder", "give a folder of .flo files");
    }
    const std::size_t before = sequences.size();
    append_flows(path, sequences);
    if (sequences.size() > before) continue;
    for (const auto& entry : fs::directory_iterator(path)) {
      if (entry.is_directory()) append_flows(entry.path(), sequences);
    }
    if (sequences.size() == before) throw InputError(path.string(), "holds no flow", kOneEach);
  }
  return sequences;
}

TruthMotion::TruthMotion(const fs::path& flow_folder) : folder_(flow_folder) {
  if (!folder_.empty()) flows_ = flows_in(folder_);
}

void TruthMotion::push(const Picture& truth) {
  ++frames_;
  dis_.reset(), flo_.reset(), back_.reset(), flow_back_.reset();
  const bool cut = cuts_.push(truth);
  if (frames_ > 1 && !cut && std::min(truth.width, truth.height) >= kSmallestFlowSide) {
    std::future<Flow> there = std::async(std::launch::async, dis_flow, last_, truth);
    flow_back_ = dis_flow(truth, last_);
    dis_ = visible_flow(there.get(), *flow_back_);
    if (!folder_.empty()) {
      if (flows_.size() < frames_ - 1) {
        throw InputError(folder_.string(), flow_count(flows_.size()) + " for more frames",
                         kOneEach);
      }
      const fs::path& file = flows_[frames_ - 2];
      Flow flow = read_flow(file);
      if (flow.width != truth.width || flow.height != truth.height) {
        throw InputError(file.string(),
                         "has a flow of " + size_text(flow.width, flow.height) +
                             ", but frames are compared at " + size_text(truth.width, truth.height),
                         "give flow of this size");
      }
      flo_ = visible_flow(std::move(flow), *flow_back_);
    }
  }
  last_ = truth;
}

void TruthMotion::finish(const std::string& film) const {
  if (folder_.empty() || flows_.size() < frames_) return;
  throw InputError(
      folder_.string(),
      flow_count(flows_.size()) + ", but " + film + " has " + std::to_string(frames_) + " frames",
      kOneEach);
}

const VisibleFlow* TruthMotion::back() {
  if (!dis_) return nullptr;
  if (!back_) back_ = visible_flow(std::move(*flow_back_), dis_->flow);
  return &*back_;
}

TrueMotion TruthMotion::there() const { return {dis_ ? &*dis_ : nullptr, flo_ ? &*flo_ : nullptr}; }

}  // namespace afterglow
