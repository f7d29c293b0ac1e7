#include "data/steady_streams.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/pipeline.hpp"
#include "base/random.hpp"
#include "data/colour.hpp"
#include "data/simulated_colorizer.hpp"
#include "data/steady_planes.hpp"

namespace afterglow {
namespace {

constexpr double kRealShare = 0.25;
constexpr double kMutedShare = 0.5;  // of simulated colorizers
constexpr double kTold = 0.75;       // streams that say what coloured them
constexpr double kBackwards = 0.4;
constexpr double kMirrored = 0.5;
constexpr double kTurn = 0.2, kAnyTurn = 0.25;                // radians; share of any turn at all
constexpr double kChromaGain = 0.1, kChromaGainSpread = 0.4;  // of the logarithm
constexpr double kGammaSpread = 0.25;                         // of the logarithm
constexpr double kLeastContrast = 0.8;
constexpr std::size_t kStepsReady = 2;  // steps made ahead
constexpr int kApart = 5;               // frames between the places where the first streams begin

/// One stream: what is cut out of which clip, and how it is changed.
struct StreamPlan {
  std::size_t clip = 0;
  bool real = false;
  int first = 0, frames = 0;
  bool backwards = false, mirrored = false;
  int left = 0, top = 0;  // of the cut-out, even
  double gamma = 1, contrast = 1, lift = 0;
  double turn = 0, chroma_gain = 1;
  SimulatedKind colorizer = SimulatedKind::kMuted;
  std::uint64_t colorizer_seed = 0;
  float kind = 0;
};

/// A clip's frames as they lie in the film set.
struct ClipFramesOf {
  std::vector<std::uint8_t> truth, colorized;
  std::vector<float> flow;  // towards the frame before in the order of the stream
};

/// A stream, made: planes of every frame.
struct Stream {
  struct Frame {
    SteadyPlanes planes;       // of the input
    std::vector<float> truth;  // chroma
    std::vector<float> flow;   // (h, w, 2)
  };
  std::vector<Frame> frames;
  float kind = 0;
};

/// One of the places where streams run.
struct Place {
  std::int64_t number = 0;  // of its stream
  int at = 0;               // next frame
  bool begins = true;
};

std::vector<FilmSetClip> usable_clips(const FilmSet& films, int unroll) {
  std::vector<FilmSetClip> clips;
  for (const FilmSetClip& clip : films.clips()) {
    if (clip.split == Split::kTrain && clip.frames >= unroll) clips.push_back(clip);
  }
  if (clips.empty()) {
    throw InputError(films.path().string(),
                     "has no clip of " + std::to_string(unroll) + " frames to train on",
                     "prepare longer films, or use a smaller --unroll");
  }
  return clips;
}

/// A row-major picture of `channels` values a pixel.
template <typename T>
struct View {
  const T* data;
  int width, height, channels;

  /// Continued by its border.
  const T* at(int x, int y) const {
    x = std::min(x, width - 1);
    y = std::min(y, height - 1);
    return data + (std::size_t(y) * std::size_t(width) + std::size_t(x)) * std::size_t(channels);
  }
};

/// The cut-out of a picture; with `mirrored` its columns run backwards.
template <typename T>
std::vector<T> cut_out(const View<T>& from, int left, int top, int width, int height,
                       bool mirrored) {
  std::vector<T> result;
  result.reserve(std::size_t(width) * std::size_t(height) * std::size_t(from.channels));
  // What is cut out of a smaller film is mirrored before it is continued.
  const int inside = std::min(width, from.width - left);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int column = std::min(x, inside - 1);
      const T* pixel = from.at(left + (mirrored ? inside - 1 - column : column), top + y);
      result.insert(result.end(), pixel, pixel + from.channels);
    }
  }
  return result;
}

double bent(const StreamPlan& plan, double l) {
  return 100 * std::pow(std::clamp(l / 100, 0.0, 1.0), plan.gamma) * plan.contrast +
         (1 - plan.contrast) * 50 * plan.lift;
}

/// The true frame of another film: its lightness bent, its hues turned, its chroma scaled.
Picture changed(const StreamPlan& plan, const Picture& truth) {
  Picture result(truth.width, truth.height);
  const double cosine = plan.chroma_gain * std::cos(plan.turn);
  const double sine = plan.chroma_gain * std::sin(plan.turn);
  for (std::size_t i = 0; i < truth.rgb.size(); i += 3) {
    const Triple lab = rgb_to_lab(truth.rgb[i], truth.rgb[i + 1], truth.rgb[i + 2]);
    const Triple rgb = lab_to_rgb(
        {bent(plan, lab[0]), cosine * lab[1] - sine * lab[2], sine * lab[1] + cosine * lab[2]});
    for (std::size_t c = 0; c < 3; ++c) result.rgb[i + c] = to_byte(rgb[c]);
  }
  return result;
}

void bend(const StreamPlan& plan, SteadyPlanes& planes) {
  for (float& value : planes.luma) {
    value = static_cast<float>(bent(plan, 50 * (double{value} + 1)) / 50 - 1);
  }
  for (std::size_t i = 0; i < planes.lightness.size(); ++i) {
    const float* block = planes.luma.data() + 4 * i;
    planes.lightness[i] = (block[0] + block[1] + block[2] + block[3]) / 4;
  }
}

template <typename T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

class SteadyStreams::Worker {
 public:
  Worker(std::shared_ptr<const FilmSet> films, const StreamOptions& options, std::int64_t first)
      : films_(std::move(films)),
        options_(options),
        clips_(usable_clips(*films_, options.unroll)),
        places_(static_cast<std::size_t>(options.streams)),
        streams_(places_.size()) {
    for (std::size_t i = 0; i < clips_.size(); ++i) {
      (clips_[i].has_colorized ? real_ : simulated_).push_back(i);
    }
    for (std::size_t i = 0; i < places_.size(); ++i) {
      places_[i].number = next_++;
      const int apart = static_cast<int>(i) * kApart % (kStreamFrames - options.unroll + 1);
      places_[i].at = std::min(apart, plan(places_[i].number).frames - options.unroll);
    }
    for (std::int64_t i = 0; i < first; ++i) {
      for (Place& place : places_) {
        settle(place);
        advance(place);
      }
    }
    ready_.emplace([this] { return std::optional(make()); }, kStepsReady);
  }

  std::vector<StreamFrames> next() { return *ready_->next(); }

 private:
  /// A new stream where the last one is at its end.
  void settle(Place& place) {
    if (place.at + options_.unroll > plan(place.number).frames) place = {next_++, 0, true};
  }

  void advance(Place& place) const {
    place.at += options_.unroll;
    place.begins = false;
  }

  std::vector<StreamFrames> make() {
    std::vector<StreamFrames> step(static_cast<std::size_t>(options_.unroll));
    for (std::size_t i = 0; i < places_.size(); ++i) {
      Place& place = places_[i];
      settle(place);
      std::optional<Stream>& stream = streams_[i];
      if (place.begins || !stream) stream = made(plan(place.number));
      for (std::size_t j = 0; j < step.size(); ++j) {
        add(step[j], stream->frames[static_cast<std::size_t>(place.at) + j], stream->kind,
            !(place.begins && j == 0));
      }
      advance(place);
    }
    return step;
  }

  static void add(StreamFrames& to, const Stream::Frame& frame, float kind, bool follows) {
    append(to.luma, frame.planes.luma);
    append(to.lightness, frame.planes.lightness);
    append(to.input, frame.planes.chroma);
    append(to.flow, frame.flow);
    append(to.truth, frame.truth);
    to.follows.insert(to.follows.end(), frame.planes.lightness.size(), follows ? 1.0F : 0.0F);
    to.kind.insert(to.kind.end(), frame.planes.lightness.size(), kind);
  }

  /// A function of options, clips and number alone.
  StreamPlan plan(std::int64_t number) const {
    const std::string label = "stream " + std::to_string(number);
    Rng rng(stable_hash(label.data(), label.size(), options_.seed));
    StreamPlan plan;
    plan.real = simulated_.empty() || (!real_.empty() && rng.uniform() < kRealShare);
    const std::vector<std::size_t>& among = plan.real ? real_ : simulated_;
    plan.clip = among[rng.below(among.size())];
    const FilmSetClip& clip = clips_[plan.clip];
    plan.frames = static_cast<int>(std::min<std::int64_t>(clip.frames, kStreamFrames));
    plan.first = static_cast<int>(rng.below(std::uint64_t(clip.frames - plan.frames + 1)));
    plan.left = place_of(clip.width, options_.width, rng);
    plan.top = place_of(clip.height, options_.height, rng);
    plan.backwards = rng.uniform() < kBackwards;
    plan.mirrored = rng.uniform() < kMirrored;
    plan.gamma = std::exp(kGammaSpread * rng.normal());
    plan.contrast = rng.uniform(kLeastContrast, 1);
    plan.lift = rng.uniform();
    const double small = kTurn * rng.normal(),
                 any = rng.uniform(-std::numbers::pi, std::numbers::pi);
    plan.turn = rng.uniform() < kAnyTurn ? any : small;
    plan.chroma_gain = std::exp(kChromaGain + kChromaGainSpread * rng.normal());
    const bool muted = rng.uniform() < kMutedShare;
    plan.colorizer = muted ? SimulatedKind::kMuted : SimulatedKind::kVivid;
    plan.colorizer_seed = rng.next();
    const bool told = rng.uniform() < kTold;
    plan.kind = !told ? 0.0F : !plan.real && muted ? -1.0F : 1.0F;
    return plan;
  }

  static int place_of(int size, int wanted, Rng& rng) {
    const int room = std::max(0, size - wanted) / 2;
    return 2 * static_cast<int>(rng.below(std::uint64_t(room) + 1));
  }

  ClipFramesOf read(const StreamPlan& plan) const {
    const FilmSetClip& clip = clips_[plan.clip];
    const std::size_t pixels = std::size_t(clip.width) * std::size_t(clip.height);
    const auto frames = static_cast<std::size_t>(plan.frames);
    ClipFramesOf result;
    result.truth.resize(frames * pixels * 3);
    films_->read_truth(clip, plan.first, plan.frames, result.truth);
    if (plan.real) {
      result.colorized.resize(result.truth.size());
      films_->read_colorized(clip, plan.first, plan.frames, result.colorized);
    }
    result.flow.resize(frames * pixels / 4 * 2);
    if (plan.backwards) {
      films_->read_flow_forward(clip, plan.first, plan.frames, result.flow);
    } else {
      films_->read_flow_back(clip, plan.first, plan.frames, result.flow);
    }
    return result;
  }

  Stream made(const StreamPlan& plan) const {
    const FilmSetClip& clip = clips_[plan.clip];
    const ClipFramesOf from = read(plan);
    const std::size_t pixels = std::size_t(clip.width) * std::size_t(clip.height);
    const auto picture = [&](const std::vector<std::uint8_t>& frames, std::size_t t) {
      Picture result(options_.width, options_.height);
      const View<std::uint8_t> view{frames.data() + t * pixels * 3, clip.width, clip.height, 3};
      result.rgb =
          cut_out(view, plan.left, plan.top, options_.width, options_.height, plan.mirrored);
      return result;
    };
    SimulatedColorizer colorizer(plan.colorizer_seed, plan.colorizer);
    Stream stream;
    stream.kind = plan.kind;
    for (int i = 0; i < plan.frames; ++i) {
      const auto t = static_cast<std::size_t>(plan.backwards ? plan.frames - 1 - i : i);
      Stream::Frame frame;
      if (plan.real) {
        const Picture truth = picture(from.truth, t), input = picture(from.colorized, t);
        frame.truth = steady_planes(truth, truth).chroma;
        frame.planes = steady_planes(input, input);
        bend(plan, frame.planes);
      } else {
        const Picture truth = changed(plan, picture(from.truth, t));
        frame.planes = steady_planes(truth, truth);
        frame.truth = std::exchange(frame.planes.chroma, {});
        const Picture input = colorizer.colorize(truth);
        frame.planes.chroma = steady_planes(input, input).chroma;
      }
      frame.flow = flow_of(plan, from.flow, i);
      stream.frames.push_back(std::move(frame));
    }
    return stream;
  }

  /// Towards the frame before in the stream's own order; 0 for its first.
  std::vector<float> flow_of(const StreamPlan& plan, const std::vector<float>& flow, int i) const {
    const FilmSetClip& clip = clips_[plan.clip];
    const int width = options_.width / 2, height = options_.height / 2;
    if (i == 0) return std::vector<float>(std::size_t(width) * std::size_t(height) * 2);
    // Forward flow stands with the frame that it leads to.
    const int t = plan.backwards ? plan.frames - i : i;
    const std::size_t values = std::size_t(clip.width / 2) * std::size_t(clip.height / 2) * 2;
    const View<float> view{flow.data() + std::size_t(t) * values, clip.width / 2, clip.height / 2,
                           2};
    std::vector<float> result =
        cut_out(view, plan.left / 2, plan.top / 2, width, height, plan.mirrored);
    if (plan.mirrored) {
      for (std::size_t k = 0; k < result.size(); k += 2) result[k] = -result[k];
    }
    return result;
  }

  const std::shared_ptr<const FilmSet> films_;
  const StreamOptions options_;
  const std::vector<FilmSetClip> clips_;
  std::vector<std::size_t> real_, simulated_;  // indices into clips_
  std::vector<Place> places_;
  std::vector<std::optional<Stream>> streams_;  // in each place
  std::int64_t next_ = 0;                       // number of the next stream
  std::optional<Ahead<std::vector<StreamFrames>>> ready_;
};

SteadyStreams::SteadyStreams(std::shared_ptr<const FilmSet> films, const StreamOptions& options,
                             std::int64_t first)
    : worker_(std::make_unique<Worker>(std::move(films), options, first)) {}

SteadyStreams::~SteadyStreams() = default;

std::vector<StreamFrames> SteadyStreams::next() { return worker_->next(); }

}  // namespace afterglow
