// The rows of a comparison: films beside their truth, and what is made of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/sequences.hpp"
#include "apps/truth_motion.hpp"
#include "data/carried_chroma.hpp"
#include "data/dataset.hpp"
#include "data/frames.hpp"

namespace afterglow {

/// A film; or what is made while films are read: the truth in gray, or a trivial method's version
/// of the film row before, its chroma halved or carried along the truth's motion
/// (data/carried_chroma.hpp).
enum class RowKind { kFilm, kGray, kHalved, kCarried };

/// What is compared with the truth. `key` stands in JSON and CSV files, `label` in table and sheet.
struct FilmRow {
  std::string key;
  std::string label;
  std::vector<Sequence> clips;  // of films
  RowKind kind = RowKind::kFilm;
};

/// One clip of every row, frame by frame, all at one size: the truth's, in the first row; where the
/// result, in the last row, is the network's own picture, that, with frames cropped or resized as
/// they were for the network. Keeps a reference to the rows.
class RowReader {
 public:
  /// Throws InputError when a film cannot be opened.
  RowReader(const std::vector<FilmRow>& rows, std::size_t clip, Fit fit);

  const FramesInfo& truth_info() const { return readers_.front()->info(); }

  /// The next frame of every row, in their order, empty where it is yet to be made; nothing at the
  /// end. Throws InputError when films differ in length.
  std::optional<std::vector<Picture>> read();

 private:
  Picture at_size(Picture picture, const std::string& name) const;

  const std::vector<FilmRow>& rows_;
  Fit fit_;
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<FrameReader>> readers_;  // null where there is no film
  std::int64_t frames_ = 0;
};

/// Makes one clip's frames of the rows that are no films. Keeps a reference to the rows.
class MadeRows {
 public:
  explicit MadeRows(const std::vector<FilmRow>& rows) : rows_(rows), carried_(rows.size()) {}

  /// Fills in what RowReader left empty. motion: at this frame; kCarried rows stay empty where
  /// there is none, or none can be found.
  void fill(std::vector<Picture>& pictures, TruthMotion* motion);

 private:
  const std::vector<FilmRow>& rows_;
  std::vector<CarriedChroma> carried_;  // one a row
};

}  // namespace afterglow
