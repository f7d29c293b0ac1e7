#include "apps/film_rows.hpp"

#include <algorithm>
#include <utility>

#include "data/colour.hpp"
#include "data/metrics.hpp"
#include "data/optical_flow.hpp"
#include "nn/models/colorization_model.hpp"

namespace afterglow {

RowReader::RowReader(const std::vector<FilmRow>& rows, std::size_t clip, Fit fit)
    : rows_(rows), fit_(fit) {
  for (const FilmRow& row : rows) {
    const bool film = row.kind == RowKind::kFilm;
    names_.push_back(film ? row.clips[clip].name : "");
    readers_.push_back(film ? row.clips[clip].open() : nullptr);
  }
}

std::optional<std::vector<Picture>> RowReader::read() {
  std::vector<Picture> pictures(rows_.size());
  bool ended = false;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (!readers_[i]) continue;
    std::optional<Frame> frame = readers_[i]->read();
    if (i == 0) {
      ended = !frame;
    } else if (ended && frame) {
      refuse_lengths(names_[0], names_[i], frames_, *readers_[i]);
    } else if (!ended && !frame) {
      refuse_lengths(names_[i], names_[0], frames_, *readers_[0]);
    }
    if (frame) pictures[i] = at_size(std::move(frame->picture), names_[i]);
  }
  if (ended) return std::nullopt;
  ++frames_;
  return pictures;
}

Picture RowReader::at_size(Picture picture, const std::string& name) const {
  const FramesInfo& truth = truth_info();
  const FramesInfo& result = readers_.back()->info();
  const bool network = result.width == kNetworkSide && result.height == kNetworkSide;
  const int width = network ? kNetworkSide : truth.width;
  const int height = network ? kNetworkSide : truth.height;
  if (picture.width == width && picture.height == height) return picture;
  if (network && fit_ == Fit::kCrop) return crop_centre(picture, kNetworkSide, name);
  return resize_area(picture, width, height);
}

void MadeRows::fill(std::vector<Picture>& pictures, TruthMotion* motion) {
  std::size_t film = 0;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Picture& own = pictures[film];
    switch (rows_[i].kind) {
      case RowKind::kFilm:
        film = i;
        break;
      case RowKind::kGray:
        pictures[i] = gray_picture(pictures.front());
        break;
      case RowKind::kHalved:
        pictures[i] = halve_chroma(own);
        break;
      case RowKind::kCarried:
        if (motion && std::min(own.width, own.height) >= kSmallestFlowSide) {
          pictures[i] = carried_[i].push(own, motion->back());
        }
        break;
    }
  }
}

}  // namespace afterglow
