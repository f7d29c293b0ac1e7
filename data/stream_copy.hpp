// What a film holds beside its picture, copied packet by packet into another: sound, subtitles,
// data, attachments, covers, chapters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/libav.hpp"
#include "data/text_subtitles.hpp"

namespace afterglow {

/// What a film holds beside its picture: "the subtitles of stream 2 (subrip, eng)", "the film's
/// chapters". Throws InputError as libav::open_input() does.
std::vector<std::string> names_of_others(const std::filesystem::path& film);

/// The streams of a film, but for its picture, on their way into an output whose header is not yet
/// written, with their metadata and dispositions; and its chapters. Holds one packet at a time.
///
/// Packets are copied as they are. Subtitles of text become the container's own kind of them
/// (mov_text in .mp4 and .mov, SubRip in .mkv, WebVTT in .webm) where it does not take theirs.
/// Times that go back are raised to the one before, as the ffmpeg program does it; streams that
/// neither the source's header nor its first packets tell of are left out. Opus out of one .mkv or
/// .webm into another comes 6.5 ms early, by `ffmpeg -c copy`, too: libavformat takes the codec's
/// delay from the times that it reads, but does not add it to those that it writes.
class StreamCopy {
 public:
  /// Adds to `output` a stream for every such stream of `source` (there may be none), and its
  /// chapters. Throws InputError when the output's container cannot hold a track of sound; what
  /// else it cannot hold is left out.
  StreamCopy(const std::filesystem::path& source, AVFormatContext& output,
             const std::string& output_name);

  /// A line for whatever is left out or gets other times, naming it, the output, and what would
  /// keep it. More of them come to light in copy_until().
  const std::vector<std::string>& left_out() const { return left_out_; }

  /// Writes the packets that begin up to `seconds` (counted from the source's beginning). Throws
  /// InputError when the source breaks, RunError when the output cannot be written.
  void copy_until(double seconds, AVFormatContext& output);

 private:
  /// Where a stream's packets go.
  struct Track {
    int target = -1;  // stream of the output; -1: nowhere
    std::unique_ptr<TextSubtitles> converter;
    std::int64_t last = AV_NOPTS_VALUE;  // packet's dts, in the output's unit
    bool goes_back = false;              // told
  };

  void add(const AVStream& stream, AVFormatContext& output, Track& track);
  bool add_text(const AVStream& stream, AVFormatContext& output, Track& track);
  bool add_cover(const AVStream& stream, AVFormatContext& output, Track& track);
  AVStream& add_stream(const AVStream& stream, AVFormatContext& output, Track& track);
  void add_chapters(AVFormatContext& output);
  void leave_out(const std::string& what, bool matroska_keeps);
  void leave_out_late(std::size_t index);
  void keep_order(const AVStream& stream, const AVFormatContext& output, Track& track);
  bool fetch();

  std::string source_name_;
  std::string output_name_;
  libav::InputPtr input_;
  libav::PacketPtr packet_;
  std::vector<Track> tracks_;  // by stream of the input
  std::vector<std::string> left_out_;
  bool fetched_ = false;  // packet_ waits for its time
  bool ended_ = true;     // until there is something to read for
};

}  // namespace afterglow
