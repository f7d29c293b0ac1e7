#include "data/film_refusals.hpp"

extern "C" {
#include <libavutil/dovi_meta.h>
}

#include <string>

#include "base/error.hpp"

namespace afterglow {
namespace {

constexpr std::uint8_t kDolbyVisionOverSdr = 2;  // compatibility of the base layer

const char* const kToneMap =
    "make it SDR first: `ffmpeg -i IN -vf zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,"
    "tonemap=hable,zscale=t=bt709:m=bt709:r=tv,format=yuv420p -c:a copy OUT.mkv`";
const char* const kToneMapDolbyVision =
    "make it SDR first: `ffmpeg -i IN -vf libplacebo=colorspace=bt709:color_primaries=bt709:"
    "color_trc=bt709:format=yuv420p -c:a copy OUT.mkv`";
const char* const kDeinterlace =
    "deinterlace it first: `ffmpeg -i IN -vf bwdif=send_frame -c:a copy OUT.mkv`";

[[noreturn]] void refuse_hdr(const std::filesystem::path& film, const std::string& how,
                             const char* advice) {
  throw InputError(film.string(), "is HDR (" + how + "), but colours are made for SDR light",
                   advice);
}

void refuse_transfer(const std::filesystem::path& film, AVColorTransferCharacteristic transfer,
                     const std::string& where) {
  if (transfer == AVCOL_TRC_SMPTE2084) refuse_hdr(film, "PQ, SMPTE ST 2084" + where, kToneMap);
  if (transfer == AVCOL_TRC_ARIB_STD_B67) refuse_hdr(film, "HLG, ARIB STD-B67" + where, kToneMap);
}

[[noreturn]] void refuse_interlaced(const std::filesystem::path& film, const std::string& where) {
  throw InputError(film.string(),
                   "is interlaced (" + where + "), but a frame can have the colours of one moment",
                   kDeinterlace);
}

}  // namespace

void refuse_film(const std::filesystem::path& film, const AVStream& stream) {
  refuse_transfer(film, stream.codecpar->color_trc, "");
  std::size_t size = 0;
  const std::uint8_t* const data = av_stream_get_side_data(&stream, AV_PKT_DATA_DOVI_CONF, &size);
  if (data != nullptr) {
    const auto& dolby = *reinterpret_cast<const AVDOVIDecoderConfigurationRecord*>(data);
    if (dolby.dv_bl_signal_compatibility_id != kDolbyVisionOverSdr) {
      refuse_hdr(film, "Dolby Vision", kToneMapDolbyVision);
    }
  }
  if (stream.codecpar->field_order > AV_FIELD_PROGRESSIVE) {
    refuse_interlaced(film, "its header says so");
  }
}

void refuse_frame(const std::filesystem::path& film, const AVFrame& frame, std::int64_t index) {
  const std::string number = "frame " + std::to_string(index);
  refuse_transfer(film, frame.color_trc, ", " + number);
  if (frame.interlaced_frame != 0) refuse_interlaced(film, number);
}

}  // namespace afterglow
