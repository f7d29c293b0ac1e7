// What `afterglow colorize` is asked to do, and the part of it that steady networks do.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/image_colorizer.hpp"
#include "apps/steady_films.hpp"
#include "data/film.hpp"
#include "data/frames.hpp"
#include "kernels/device.hpp"
#include "weights/eccv16_file.hpp"

namespace afterglow {

struct ColorizeCommand {
  std::vector<std::filesystem::path> inputs;
  std::filesystem::path model, out, gray, truth;
  std::string colorizer;  // empty: the inputs are coloured
  Eccv16Files eccv16;
  std::string previous = "own";
  std::string output;  // source or paper; empty: source for films, paper for datasets and .h5
  std::string cuts = "auto";
  std::string source_kind = "auto";
  std::vector<std::string> keys;  // as parse_key_frames() takes them
  std::string export_frames;      // "120,480" or "scenes": write these, colour nothing
  std::string preview;            // START+SECONDS, see apps/preview.hpp; empty: whole films
  bool side_by_side = false;
  SteadyFilmOptions steady;
  bool wrap = false;
  BackendOptions backend;
  std::string codec = "h264";
  std::string split = "test";
  std::vector<std::string> clips;
};

/// True where a steady network does the work: the one in the box (no --model), or a file's.
bool takes_steady(const ColorizeCommand& command);

/// The codec that --codec names.
VideoCodec codec_of(const ColorizeCommand& command);

/// Throws InputError when `out` is one of the files that the command reads, or `input`.
void require_other(const ColorizeCommand& command, const std::filesystem::path& input,
                   const std::filesystem::path& out);

/// Says on standard error what a film loses, as FilmWriter, or FilmClip, tells it.
void tell_left_out(const std::vector<std::string>& lines);

/// Films through a steady network.
class Steadying {
 public:
  /// Throws InputError when the model cannot be loaded.
  explicit Steadying(const ColorizeCommand& command);

  /// One film or folder of pictures to `out`. Throws InputError, Interrupted.
  void film(const std::filesystem::path& input, const std::filesystem::path& out);
  void commit() {}

 private:
  const ColorizeCommand& command_;
  std::string why_not_cuda_;
  bool device_told_ = false;
  std::shared_ptr<Backend> backend_;
  std::unique_ptr<SteadyModel> model_;
  SteadyFilms films_;
  std::optional<ImageColorizer> per_frame_;
};

}  // namespace afterglow
