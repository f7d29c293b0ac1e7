// Films whose luma is not kept with new chroma, though it could be read: the result would look
// wrong.
#pragma once

#include <cstdint>
#include <filesystem>

#include "data/libav.hpp"

namespace afterglow {

/// Throws InputError, with the ffmpeg command that helps, for a film that its header says to be
///  - HDR (transfer of SMPTE ST 2084 or ARIB STD-B67, or Dolby Vision whose base layer is not SDR):
///    colorizers know the light of SDR pictures alone, and SDR chroma on HDR luma is wrong;
///  - interlaced: the two moments that share a frame cannot share their colours.
/// Asked by FilmWriter, which is where luma is kept: `evaluate` and `info` may read such films.
void refuse_film(const std::filesystem::path& film, const AVStream& stream);

/// The same for what a frame says of itself, which the header need not; names the frame.
void refuse_frame(const std::filesystem::path& film, const AVFrame& frame, std::int64_t index);

}  // namespace afterglow
