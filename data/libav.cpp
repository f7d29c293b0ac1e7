#include "data/libav.hpp"

extern "C" {
#include <libavutil/log.h>
}

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "base/error.hpp"

namespace afterglow::libav {
namespace {

const char* const kGiveAFilm = "give a film or a folder of numbered pictures";

template <typename Pointer, typename T>
Pointer owned(T* object) {
  if (object == nullptr) throw std::bad_alloc();
  return Pointer(object);
}

struct Options {
  AVDictionary* dictionary = nullptr;
  Options() = default;
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;
  ~Options() { av_dict_free(&dictionary); }
};

}  // namespace

void ReleaseOutput::operator()(AVFormatContext* context) const {
  avio_closep(&context->pb);
  avformat_free_context(context);
}

FramePtr make_frame() { return owned<FramePtr>(av_frame_alloc()); }

ParametersPtr make_parameters() { return owned<ParametersPtr>(avcodec_parameters_alloc()); }

PacketPtr make_packet() { return owned<PacketPtr>(av_packet_alloc()); }

FramePtr make_frame(AVPixelFormat format, int width, int height) {
  FramePtr frame = make_frame();
  frame->format = format;
  frame->width = width;
  frame->height = height;
  if (av_frame_get_buffer(frame.get(), 0) < 0) throw std::bad_alloc();
  return frame;
}

std::string error_text(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

std::int64_t length_of(const AVFormatContext& film) {
  if (film.duration <= 0) return 0;
  // Of a film that begins late, Matroska as libav writes it counts the time before, too.
  const bool matroska = std::string_view(film.iformat->name).starts_with("matroska");
  const bool late = matroska && film.start_time > 0;
  return std::max<std::int64_t>(0, film.duration - (late ? film.start_time : 0));
}

std::string file_url(const std::filesystem::path& path) { return "file:" + path.string(); }

void silence() { av_log_set_level(AV_LOG_QUIET); }

InputPtr open_input(const std::filesystem::path& path) {
  silence();
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    throw InputError(path.string(), "does not exist", "check the name");
  }
  if (std::filesystem::is_regular_file(path, error) &&
      std::filesystem::file_size(path, error) == 0) {
    throw InputError(path.string(), "is empty", kGiveAFilm);
  }
  if (access(path.c_str(), R_OK) != 0) {
    throw InputError(path.string(), std::string("cannot be read: ") + std::strerror(errno),
                     "check its permissions");
  }
  Options options;
  av_dict_set(&options.dictionary, "protocol_whitelist", "file", 0);
  AVFormatContext* opened = nullptr;
  int code = avformat_open_input(&opened, file_url(path).c_str(), nullptr, &options.dictionary);
  InputPtr input(opened);
  if (code >= 0) code = avformat_find_stream_info(input.get(), nullptr);
  if (code < 0) {
    throw InputError(path.string(), "is not a film that can be read: " + error_text(code),
                     kGiveAFilm);
  }
  // libav draws any text file as a terminal's picture.
  if (std::strcmp(input->iformat->name, "tty") == 0) {
    throw InputError(path.string(), "is a text, not a film", kGiveAFilm);
  }
  return input;
}

}  // namespace afterglow::libav
