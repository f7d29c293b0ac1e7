// `afterglow colorize FILM --out STEADY.mkv` with the model in the box, stage by stage:
//
//   GOMP_SPINCOUNT=5000 bench_colorize [--film FILE] [--frames 48] [--folder DIR] [--json FILE]
//   [--weights FILE [--bins FILE]]
//
// GOMP_SPINCOUNT is what the program gives itself. Without --film it makes a grainy film of
// 1920 x 1080, H.264. First the film is coloured as the program does it, with all stages side by
// side; then each stage does all frames alone, so that the processor time of all threads is its
// own. Both must give the same colours. With ECCV16's weights, its pass over single frames is
// timed, too. What is written lies in DIR (the system's for temporary files) until the end.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "apps/steady_films.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "bench/report.hpp"
#include "data/colour.hpp"
#include "data/film.hpp"
#include "data/guided_colours.hpp"
#include "data/lab_picture.hpp"
#include "data/optical_flow.hpp"
#include "data/scene_cut.hpp"
#include "data/synth.hpp"
#include "kernels/device.hpp"
#include "weights/boxed_model.hpp"

namespace afterglow::bench {
namespace {

constexpr float kUnit = 50;  // CIE ab in one of the network's
constexpr int kWidth = 1920, kHeight = 1080;
constexpr int kEccv16Frames = 4;

struct Options {
  std::filesystem::path film, folder = std::filesystem::temp_directory_path();
  Eccv16Files eccv16;
  std::string json;
  int frames = 48;
};

/// A third of the size, enlarged, and grain of two levels and a half upon it.
void make_film(const std::filesystem::path& path, int frames) {
  const int width = kWidth / 3, height = kHeight / 3;
  SynthOptions options;
  options.frames = frames;
  options.size = width;
  const SynthClip clip(1, options);
  const auto writer = create_frames(path, kWidth, kHeight, 25, VideoCodec::kH264);
  Rng rng(1);
  for (int t = 0; t < frames; ++t) {
    const Picture square = clip.frame(t);
    Picture middle(width, height);
    const std::ptrdiff_t skipped = std::ptrdiff_t((width - height) / 2) * width * 3;
    std::copy_n(square.rgb.begin() + skipped, middle.rgb.size(), middle.rgb.begin());
    Picture large = resize_area(middle, kWidth, kHeight);
    for (std::size_t i = 0; i < large.rgb.size(); i += 3) {
      const double grain = rng.uniform(-2.5, 2.5);
      for (std::size_t c = i; c < i + 3; ++c) large.rgb[c] = to_byte(large.rgb[c] + grain);
    }
    writer->write(large, t / 25.0);
  }
  writer->commit();
}

struct Time {
  double wall = 0, processor = 0;  // of all threads, seconds
};

Time time_of(const std::function<void()>& work) {
  const std::clock_t processor = std::clock();
  const auto wall = std::chrono::steady_clock::now();
  work();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count(),
          double(std::clock() - processor) / CLOCKS_PER_SEC};
}

/// All frames, side by side, as the program does it.
Time colour_film(const Options& options, const std::shared_ptr<Backend>& backend,
                 const SteadyModel& model, std::vector<SteadyColours>& colours) {
  SteadyFilms films(backend, model, kBoxedModel, {});
  FilmClip clip({options.film, {}, {}, nullptr}, Fitting::kOwnShape);
  FilmWriter writer(options.folder / "bench_colorize_steady.mkv", clip.luma_film());
  return time_of([&] {
    const auto write = [&](const ClipFrame& frame, const SteadyColours& small) {
      const int width = writer.chroma_width(), height = writer.chroma_height();
      writer.write(*frame.luma, enlarged_colours(*frame.luma, small, width, height), width, height);
      colours.push_back(small);
    };
    films.run("film", clip, {}, {write, {}});
    writer.commit();
  });
}

struct Stage {
  const char *name, *thread;
  Time time;
};

/// The stages one after the other, each over all frames.
class Stages {
 public:
  explicit Stages(const Options& options, std::shared_ptr<Backend> backend,
                  const SteadyModel& model)
      : backend_(std::move(backend)),
        colorizer_(model),
        reader_(options.film),
        writer_(options.folder / "bench_colorize_steady.mkv", reader_) {}

  std::vector<Stage> run() {
    stage("decode", "ahead", [&] {
      while (std::optional<FilmFrame> frame = reader_.read()) frames_.push_back(*frame);
    });
    const SteadySize size = steady_size(reader_.info().width, reader_.info().height);
    stage("small picture", "ahead", [&] {
      for (const FilmFrame& frame : frames_) {
        pictures_.push_back(frame.reduced_picture(size.width, size.height));
      }
    });
    stage("scene cuts", "ahead", [&] {
      SceneCutDetector detector;
      for (const Picture& picture : pictures_) cuts_.push_back(detector.push(picture));
      cuts_.front() = true;
    });
    stage("flow", "ahead", [&] {
      for (std::size_t i = 0; i < pictures_.size(); ++i) {
        flows_.push_back(cuts_[i] ? Flow(size.width / 2, size.height / 2)
                                  : halved_flow(dis_flow(pictures_[i], pictures_[i - 1])));
      }
    });
    stage("planes", "network", [&] {
      for (const Picture& picture : pictures_) planes_.push_back(steady_planes(picture, picture));
    });
    stage("network", "network", [&] {
      for (std::size_t i = 0; i < planes_.size(); ++i) colours_.push_back(network(i));
    });
    const int width = writer_.chroma_width(), height = writer_.chroma_height();
    std::vector<Picture> reduced;
    std::vector<std::vector<float>> light, large;
    stage("lightness", "behind", [&] {
      for (const FilmFrame& frame : frames_) {
        reduced.push_back(frame.reduced_picture(width, height));
        light.push_back(lightness(reduced.back()));
      }
    });
    stage("guided colours", "behind", [&] {
      for (std::size_t i = 0; i < frames_.size(); ++i) {
        const SteadyColours& small = colours_[i];
        large.push_back(guided_colours({small.ab, small.lightness, small.width, small.height},
                                       light[i], width, height));
      }
    });
    stage("RGB", "behind", [&] {
      for (std::size_t i = 0; i < frames_.size(); ++i) {
        large[i] = rgb_at_luma(reduced[i], light[i], large[i], frames_[i].luma_weights());
      }
    });
    stage("encode", "behind", [&] {
      for (std::size_t i = 0; i < frames_.size(); ++i) {
        writer_.write(frames_[i], large[i], width, height);
      }
      writer_.commit();
    });
    return stages_;
  }

  const std::vector<SteadyColours>& colours() const { return colours_; }
  const std::vector<FilmFrame>& frames() const { return frames_; }

 private:
  void stage(const char* name, const char* thread, const std::function<void()>& work) {
    stages_.push_back({name, thread, time_of(work)});
  }

  SteadyColours network(std::size_t i) {
    const SteadyPlanes& planes = planes_[i];
    const std::int64_t h = planes.height, w = planes.width;
    const auto tensor = [&](const std::vector<float>& values, std::int64_t channels) {
      return Tensor::from_host(backend_, {1, h, w, channels}, std::span<const float>(values));
    };
    if (cuts_[i]) colorizer_.reset();
    const float follows = cuts_[i] ? 0.0F : 1.0F;
    SteadyColours colours{
        planes.width, planes.height,
        colorizer_
            .step({tensor(planes.luma, 4), tensor(planes.lightness, 1), tensor(planes.chroma, 2),
                   tensor(flows_[i].uv, 2), Tensor::full(backend_, {1, h, w, 1}, follows),
                   Tensor::full(backend_, {1, h, w, 1}, 0.0F)})
            .to_host(),
        planes.lightness};
    for (std::size_t k = 0; k < colours.ab.size(); ++k) {
      const float input = planes.chroma[k];
      colours.ab[k] = kUnit * (input + (colours.ab[k] - input));
    }
    for (float& value : colours.lightness) value = kUnit * (value + 1);
    return colours;
  }

  std::shared_ptr<Backend> backend_;
  SteadyColorizer colorizer_;
  FilmReader reader_;
  FilmWriter writer_;
  std::vector<FilmFrame> frames_;
  std::vector<Picture> pictures_;
  std::vector<bool> cuts_;
  std::vector<Flow> flows_;
  std::vector<SteadyPlanes> planes_;
  std::vector<SteadyColours> colours_;
  std::vector<Stage> stages_;
};

bool are_same(const std::vector<SteadyColours>& a, const std::vector<SteadyColours>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const SteadyColours& x, const SteadyColours& y) {
                      return x.ab == y.ab && x.lightness == y.lightness;
                    });
}

int run(Options options) {
  const auto backend = open_backend({.device = "cpu"});
  const auto model = load_boxed_model(backend);
  const std::filesystem::path made = options.folder / "bench_colorize_film.mkv";
  if (options.film.empty()) {
    make_film(made, options.frames);
    options.film = made;
  }
  std::vector<SteadyColours> colours;
  const Time whole = colour_film(options, backend, *model, colours);
  Stages work(options, backend, *model);
  const std::vector<Stage> stages = work.run();
  if (!are_same(colours, work.colours())) {
    std::printf("check  the stages one by one do not make the colours of the whole\n");
    return 1;
  }
  Time alone;
  for (const Stage& stage : stages) {
    alone.wall += stage.time.wall;
    alone.processor += stage.time.processor;
  }
  const double frames = double(work.frames().size());
  const double ms = 1e3 / frames;
  std::printf("%s, %u processors, %.0f frames\n", backend->description().c_str(),
              std::thread::hardware_concurrency(), frames);
  std::printf("side by side        %6.2f frames/s, %6.1f ms of processor time a frame\n",
              frames / whole.wall, ms * whole.processor);
  std::printf("one after the other %6.2f frames/s\n", frames / alone.wall);
  std::printf("%-16s %-8s %9s %9s %6s\n", "stage", "thread", "wall ms", "proc. ms", "share");
  nlohmann::json rows = nlohmann::json::array();
  for (const Stage& stage : stages) {
    const double share = stage.time.processor / alone.processor;
    std::printf("%-16s %-8s %9.2f %9.2f %5.1f%%\n", stage.name, stage.thread, ms * stage.time.wall,
                ms * stage.time.processor, 100 * share);
    rows.push_back({{"stage", stage.name},
                    {"thread", stage.thread},
                    {"wall_ms", ms * stage.time.wall},
                    {"processor_ms", ms * stage.time.processor},
                    {"share", share}});
  }
  nlohmann::json report = {{"device", backend->description()},
                           {"processors", std::thread::hardware_concurrency()},
                           {"frames", work.frames().size()},
                           {"frames_per_s", frames / whole.wall},
                           {"processor_ms", ms * whole.processor},
                           {"one_after_the_other_frames_per_s", frames / alone.wall},
                           {"stages", rows}};
  if (!options.eccv16.weights.empty()) {
    const ImageColorizer colorizer(options.eccv16, backend);
    const Picture picture = work.frames().front().picture();
    static_cast<void>(colorizer.colorize(picture));  // prepares its kernels
    const Time time = time_of([&] {
      for (int i = 0; i < kEccv16Frames; ++i) static_cast<void>(colorizer.colorize(picture));
    });
    std::printf(
        "ECCV16, a frame on its own, neither decoded nor encoded: %.1f ms, %.1f ms of "
        "processor time\n",
        1e3 * time.wall / kEccv16Frames, 1e3 * time.processor / kEccv16Frames);
    report["eccv16_wall_ms"] = 1e3 * time.wall / kEccv16Frames;
    report["eccv16_processor_ms"] = 1e3 * time.processor / kEccv16Frames;
  }
  std::filesystem::remove(options.folder / "bench_colorize_steady.mkv");
  if (options.film == made) std::filesystem::remove(made);
  return write_report(options.json, report);
}

}  // namespace
}  // namespace afterglow::bench

int main(int argc, char** argv) {
  afterglow::bench::Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--film") options.film = argv[i + 1];
    if (option == "--folder") options.folder = argv[i + 1];
    if (option == "--frames") options.frames = std::atoi(argv[i + 1]);
    if (option == "--weights") options.eccv16.weights = argv[i + 1];
    if (option == "--bins") options.eccv16.bins = argv[i + 1];
    if (option == "--json") options.json = argv[i + 1];
  }
  try {
    return afterglow::bench::run(std::move(options));
  } catch (const afterglow::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
