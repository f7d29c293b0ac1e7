#include "data/batches.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>

#include "base/error.hpp"
#include "base/pipeline.hpp"
#include "base/random.hpp"

namespace afterglow {
namespace {

constexpr std::size_t kReady = 2;  // batches, besides the one in the making

template <typename T>
void shuffle(std::vector<T>& values, Rng& rng) {
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[rng.below(i)]);
}

void append(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& values) {
  values.insert(values.end(), bytes.begin(), bytes.end());
}

/// Frames t-1 and t of the colorized input, and t of the truth, onto the batch's arrays; the order
/// of frames may be any.
void append_frame(const Dataset& dataset, std::int64_t t, Batch& batch) {
  const std::size_t bytes = dataset.frame_bytes();
  const std::int64_t first = std::max<std::int64_t>(t - 1, 0);
  std::vector<std::uint8_t> rows(static_cast<std::size_t>(t - first + 1) * bytes);
  dataset.read_colorized(batch.clip, first, t - first + 1, rows);
  append(std::span(rows).first(bytes), batch.previous);
  append(std::span(rows).last(bytes), batch.current);
  dataset.read_truth(batch.clip, t, 1, std::span(rows).first(bytes));
  append(std::span(rows).first(bytes), batch.truth);
}

/// The same for a run of consecutive frames, in two reads, and the frames before it.
void append_run(const Dataset& dataset, std::int64_t context, Batch& batch) {
  const std::size_t bytes = dataset.frame_bytes();
  const std::int64_t first = batch.frames.front();
  const std::int64_t count = batch.count();
  const std::int64_t before = std::min(first, std::max<std::int64_t>(context, 1));
  const auto run_bytes = static_cast<std::size_t>(count) * bytes;
  std::vector<std::uint8_t> rows(static_cast<std::size_t>(before + count) * bytes);
  dataset.read_colorized(batch.clip, first - before, before + count, rows);
  const auto current = std::span<const std::uint8_t>(rows).last(run_bytes);
  append(current, batch.current);
  if (before == 0) {
    append(current.first(bytes), batch.previous);
    append(current.first(run_bytes - bytes), batch.previous);
  } else {
    append(std::span(rows).last(run_bytes + bytes).first(run_bytes), batch.previous);
    const auto context_bytes = static_cast<std::size_t>(std::min(before, context)) * bytes;
    append(std::span(rows).last(run_bytes + context_bytes).first(context_bytes), batch.context);
  }
  dataset.read_truth(batch.clip, first, count, std::span(rows).first(run_bytes));
  append(std::span(rows).first(run_bytes), batch.truth);
}

/// The flow of the batch's run of frames. The first frame of a batch has no frame before it there;
/// losses leave it out.
void append_flow(const Dataset& dataset, BatchFlow kind, Batch& batch) {
  const std::size_t pixels = batch.frames.size() * dataset.frame_bytes() / 3;
  batch.flow.resize(2 * pixels);
  dataset.read_flow(batch.clip, batch.frames.front(), batch.count(), batch.flow);
  if (kind == BatchFlow::kAll) return;
  for (std::size_t i = 0; i < pixels; ++i) {
    float* way = &batch.flow[2 * i];
    // Not ">": an unknown way stays so.
    const bool still = way[0] * way[0] + way[1] * way[1] <= kStillPixels * kStillPixels;
    way[0] = way[1] = still ? 0.0F : std::numeric_limits<float>::quiet_NaN();
  }
}

Batch assemble(const Dataset& dataset, const std::string& clip, const BatchPlan& plan,
               const BatchOptions& options, const BatchPosition& position) {
  Batch batch;
  batch.position = position;
  batch.clip = clip;
  batch.frames = plan.frames;
  const std::size_t values = plan.frames.size() * dataset.frame_bytes();
  batch.current.reserve(values);
  batch.previous.reserve(values);
  batch.truth.reserve(values);
  batch.clip_starts.assign(plan.frames.size(), 0);
  if (options.order == BatchOrder::kShuffledFrames) {
    batch.clip_starts.front() = 1;
    for (const std::int64_t t : plan.frames) append_frame(dataset, t, batch);
  } else {
    batch.clip_starts.front() = plan.frames.front() == 0 ? 1 : 0;
    append_run(dataset, options.context, batch);
    if (options.flow != BatchFlow::kNone) append_flow(dataset, options.flow, batch);
  }
  return batch;
}

}  // namespace

std::string batch_order_name(BatchOrder order) {
  switch (order) {
    case BatchOrder::kSequential:
      return "sequential";
    case BatchOrder::kShuffledClips:
      return "shuffled-clips";
    case BatchOrder::kShuffledFrames:
      return "shuffled-frames";
  }
  return {};
}

BatchOrder parse_batch_order(const std::string& text, const std::string& subject) {
  for (const BatchOrder order :
       {BatchOrder::kSequential, BatchOrder::kShuffledClips, BatchOrder::kShuffledFrames}) {
    if (text == batch_order_name(order)) return order;
  }
  throw InputError(subject, "'" + text + "' is not an order of batches",
                   "use sequential, shuffled-clips or shuffled-frames");
}

std::vector<BatchPlan> plan_epoch(const std::vector<ClipInfo>& clips, const BatchOptions& options,
                                  std::int64_t epoch) {
  const std::string label = "epoch " + std::to_string(epoch);
  Rng rng(stable_hash(label.data(), label.size(), options.seed));
  std::vector<std::size_t> clip_order(clips.size());
  std::iota(clip_order.begin(), clip_order.end(), std::size_t{0});
  if (options.order != BatchOrder::kSequential) shuffle(clip_order, rng);
  std::vector<BatchPlan> plans;
  for (const std::size_t clip : clip_order) {
    std::vector<std::int64_t> frames(static_cast<std::size_t>(clips[clip].frames));
    std::iota(frames.begin(), frames.end(), std::int64_t{0});
    if (options.order == BatchOrder::kShuffledFrames) shuffle(frames, rng);
    const auto size = static_cast<std::size_t>(options.batch);
    for (std::size_t first = 0; first < frames.size(); first += size) {
      const std::size_t last = std::min(first + size, frames.size());
      plans.push_back({clip,
                       {frames.begin() + static_cast<std::ptrdiff_t>(first),
                        frames.begin() + static_cast<std::ptrdiff_t>(last)}});
    }
  }
  return plans;
}

/// Walks through the epochs, and through the batches of each.
class BatchProducer::Worker {
 public:
  Worker(std::shared_ptr<const Dataset> dataset, const BatchOptions& options,
         const BatchPosition& start)
      : dataset_(std::move(dataset)),
        options_(options),
        position_(start),
        clips_(dataset_->clips(options.split)) {
    if (options.batch < 1) throw InputError("--batch", "is below 1", "use 1 or more");
    if (clips_.empty()) {
      throw InputError(dataset_->path().string(),
                       "has no clips in split '" + split_name(options.split) + "'",
                       "prepare it with another split");
    }
    for (const ClipInfo& clip : clips_) {
      frames_ += clip.frames;
      batches_ += (clip.frames + options.batch - 1) / options.batch;
    }
    ready_.emplace([this] { return make(); }, kReady);
  }

  std::optional<Batch> next() { return ready_->next(); }
  std::int64_t batches() const { return batches_; }
  std::int64_t frames() const { return frames_; }

 private:
  std::optional<Batch> make() {
    if (position_.batch >= batches_) position_ = {position_.epoch + 1, 0};
    if (position_.epoch >= options_.epochs) return std::nullopt;
    if (position_.batch == 0 || plans_.empty()) {
      plans_ = plan_epoch(clips_, options_, position_.epoch);
    }
    const BatchPlan& plan = plans_[static_cast<std::size_t>(position_.batch)];
    const BatchPosition here = position_;
    ++position_.batch;
    return assemble(*dataset_, clips_[plan.clip].id, plan, options_, here);
  }

  const std::shared_ptr<const Dataset> dataset_;
  const BatchOptions options_;
  BatchPosition position_;  // of the next batch to make
  const std::vector<ClipInfo> clips_;
  std::vector<BatchPlan> plans_;  // of its epoch
  std::int64_t frames_ = 0;
  std::int64_t batches_ = 0;
  std::optional<Ahead<Batch>> ready_;
};

BatchProducer::BatchProducer(std::shared_ptr<const Dataset> dataset, const BatchOptions& options,
                             const BatchPosition& start)
    : worker_(std::make_unique<Worker>(std::move(dataset), options, start)) {}

BatchProducer::~BatchProducer() = default;

std::optional<Batch> BatchProducer::next() { return worker_->next(); }

std::int64_t BatchProducer::batches_per_epoch() const { return worker_->batches(); }

std::int64_t BatchProducer::frames_per_epoch() const { return worker_->frames(); }

}  // namespace afterglow
