// Subtitles of text, converted from one codec to another.
#pragma once

#include <memory>

#include "data/libav.hpp"

namespace afterglow {

/// One stream of text subtitles on its way into another codec.
class TextSubtitles {
 public:
  /// A converter of `stream` into the kind of text that a container takes; null where `stream` is
  /// no text, or the container takes none.
  static std::unique_ptr<TextSubtitles> make(const AVStream& stream, const AVOutputFormat& format);

  /// The parameters of what convert() makes. Throws std::bad_alloc.
  void describe(AVCodecParameters& target) const;

  /// Puts the text of a packet, newly coded, in its place; its times stay. Returns false when it
  /// holds none that can be read.
  bool convert(AVPacket& packet);

 private:
  TextSubtitles() = default;

  libav::CodecPtr decoder_;
  libav::CodecPtr encoder_;
};

}  // namespace afterglow
