#include <cstdio>
#include <utility>

#include "apps/colorize_command.hpp"
#include "apps/device_options.hpp"
#include "apps/disk_use.hpp"
#include "apps/film_job.hpp"
#include "apps/preview.hpp"
#include "base/output_file.hpp"
#include "data/letterbox.hpp"
#include "data/pairing.hpp"
#include "nn/checkpoint.hpp"
#include "weights/boxed_model.hpp"

namespace afterglow {
namespace {

constexpr float kVividInput = 1;  // what ECCV16 makes

SteadyFilmOptions steady_options(const ColorizeCommand& command) {
  SteadyFilmOptions options = command.steady;
  options.cuts = command.cuts == "auto";
  return options;
}

std::unique_ptr<SteadyModel> load_model_of(const ColorizeCommand& command,
                                           const std::shared_ptr<Backend>& backend) {
  return command.model.empty() ? load_boxed_model(backend) : load_steady(command.model, backend);
}

}  // namespace

bool takes_steady(const ColorizeCommand& command) {
  return command.model.empty() || holds_steady(command.model);
}

VideoCodec codec_of(const ColorizeCommand& command) {
  if (command.codec == "h265") return VideoCodec::kH265;
  if (command.codec == "ffv1") return VideoCodec::kFfv1;
  if (command.codec == "prores") return VideoCodec::kProRes;
  return command.codec == "h264" ? VideoCodec::kH264 : VideoCodec::kLossless;
}

void require_other(const ColorizeCommand& command, const std::filesystem::path& input,
                   const std::filesystem::path& out) {
  refuse_overwriting(out, {input, command.gray, command.truth, command.model,
                           command.eccv16.weights, command.eccv16.bins});
}

void tell_left_out(const FilmWriter& writer) {
  for (const std::string& line : writer.left_out()) {
    std::fprintf(stderr, "afterglow: %s\n", line.c_str());
  }
}

Steadying::Steadying(const ColorizeCommand& command)
    : command_(command),
      backend_(open_backend(command.backend, &why_not_cuda_)),
      model_(load_model_of(command, backend_)),
      films_(backend_, *model_, command.model.empty() ? kBoxedModel : command.model,
             steady_options(command)) {
  if (!command.colorizer.empty()) per_frame_.emplace(command.eccv16, backend_);
}

void Steadying::film(const std::filesystem::path& input, const std::filesystem::path& out) {
  require_other(command_, input, out);
  const SourceKind kind = parse_source_kind(command_.source_kind, "--source-kind");
  const Stretch stretch = preview_stretch(command_.preview, "--preview");
  FilmJob job(command_, backend_->device(), input, out);
  const float told = per_frame_ ? kVividInput : told_kind(kind, input);
  FilmClip clip({input, command_.gray, {}, per_frame_ ? &*per_frame_ : nullptr, stretch},
                Fitting::kOwnShape);
  const FilmReader& luma = clip.luma_film();
  const ActiveRectangle active = find_active(luma.info().source);
  FilmWriter writer(out, luma,
                    {codec_of(command_), clip.streams_from(), job.folder(), command_.side_by_side});
  tell_left_out(writer);
  if (writer.frames() > 0) {
    std::fprintf(stderr, "afterglow: %s: going on behind frame %lld\n", out.c_str(),
                 static_cast<long long>(writer.frames() - 1));
  }
  if (!job.folder().empty()) {
    tell_disk_use(writer, luma, clip.streams_from(), job.folder(), out);
  }
  const int width = writer.chroma_width(), height = writer.chroma_height();
  const auto write = [&](const ClipFrame& frame, const SteadyColours& colours) {
    if (!std::exchange(device_told_, true)) tell_device(*backend_, why_not_cuda_);
    std::vector<float> rgb = enlarged_colours(*frame.luma, colours, width, height);
    blacken_bars(active, luma.info().width, luma.info().height, rgb, width, height);
    writer.write(*frame.luma, rgb, width, height, frame.given ? &*frame.given : nullptr);
  };
  const SteadyPlace place = job.begin(writer);
  films_.run(clip_id(input), clip, told,
             {write, [&](const SteadyPlace& end) { job.end_part(writer, end); }}, place);
  writer.commit();
  job.finish();
}

}  // namespace afterglow
