#include "apps/prepared_clips.hpp"

#include <limits>

#include "apps/truth_motion.hpp"
#include "data/film_set.hpp"
#include "data/optical_flow.hpp"
#include "data/steady_planes.hpp"

namespace afterglow {
namespace {

/// The dataset's flow of a frame: NaN where there is none to follow.
std::vector<float> dataset_flow(const VisibleFlow* back, int size) {
  std::vector<float> uv(2 * std::size_t(size) * std::size_t(size),
                        std::numeric_limits<float>::quiet_NaN());
  if (back == nullptr) return uv;
  for (std::size_t i = 0; i < uv.size(); ++i) {
    if (back->visible[i / 2] != 0) uv[i] = back->flow.uv[i];
  }
  return uv;
}

class Squares final : public PreparedClips {
 public:
  Squares(const std::filesystem::path& out, const DatasetHeader& header, bool with_flow)
      : header_(header), with_flow_(with_flow), writer_(out, header) {}

  void begin(const std::string& id, const FramesInfo& film, const std::string& source,
             bool) override {
    writer_.begin_clip(id, film.fps, source);
    motion_ = TruthMotion();
  }

  void add(const Picture& truth, const Picture* colorized) override {
    const Picture fitted = fit(truth);
    std::vector<float> flow;
    if (with_flow_) {
      motion_.push(fitted);
      flow = dataset_flow(motion_.back(), header_.size);
    }
    writer_.add_frame(fit(*colorized), fitted, flow);
  }

  void drop(const std::string& id) override { writer_.drop_clip(id); }
  void set_split(const std::string& id, Split split) override { writer_.set_split(id, split); }
  std::vector<ClipInfo> clips() const override { return writer_.clips(); }
  void commit() override { writer_.commit(); }

 private:
  Picture fit(const Picture& picture) const {
    return header_.fit == Fit::kCrop ? crop_centre(picture, header_.size)
                                     : resize_area(picture, header_.size, header_.size);
  }

  DatasetHeader header_;
  bool with_flow_;
  DatasetWriter writer_;
  TruthMotion motion_;
};

class Films final : public PreparedClips {
 public:
  explicit Films(const std::filesystem::path& out) : writer_(out) {}

  void begin(const std::string& id, const FramesInfo& film, const std::string& source,
             bool colorized) override {
    size_ = steady_size(film.width, film.height);
    writer_.begin_clip(
        {id, 0, size_.width, size_.height, film.fps, source, Split::kTrain, colorized});
    last_ = {};
  }

  void add(const Picture& truth, const Picture* colorized) override {
    const Picture fitted = resize_area(truth, size_.width, size_.height);
    Flow back(size_.width / 2, size_.height / 2), forward = back;
    if (!last_.rgb.empty()) {
      back = halved_flow(dis_flow(fitted, last_));
      forward = halved_flow(dis_flow(last_, fitted));
    }
    Picture input;
    if (colorized != nullptr) input = resize_area(*colorized, size_.width, size_.height);
    writer_.add_frame(fitted, colorized != nullptr ? &input : nullptr, back, forward);
    last_ = fitted;
  }

  void drop(const std::string& id) override { writer_.drop_clip(id); }
  void set_split(const std::string& id, Split split) override { writer_.set_split(id, split); }
  std::vector<ClipInfo> clips() const override {
    std::vector<ClipInfo> clips;
    for (const FilmSetClip& clip : writer_.clips()) {
      clips.push_back({clip.id, clip.frames, clip.fps, clip.source, clip.split, true});
    }
    return clips;
  }
  void commit() override { writer_.commit(); }

 private:
  FilmSetWriter writer_;
  SteadySize size_;
  Picture last_;  // truth
};

}  // namespace

std::unique_ptr<PreparedClips> prepare_squares(const std::filesystem::path& out,
                                               const DatasetHeader& header, bool with_flow) {
  return std::make_unique<Squares>(out, header, with_flow);
}

std::unique_ptr<PreparedClips> prepare_films(const std::filesystem::path& out) {
  return std::make_unique<Films>(out);
}

}  // namespace afterglow
