#include "apps/sequences.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "base/error.hpp"
#include "data/colour.hpp"
#include "data/dataset.hpp"
#include "data/names.hpp"
#include "data/pairing.hpp"
#include "data/result_file.hpp"

namespace afterglow {
namespace {

namespace fs = std::filesystem;

/// A clip of an .h5 file; a derived class fills in each picture.
class ClipReader : public FrameReader {
 public:
  const FramesInfo& info() const override { return info_; }
  std::optional<Frame> read() override {
    if (next_ == info_.count) return std::nullopt;
    Frame frame{picture(next_), next_, static_cast<double>(next_) / info_.fps};
    ++next_;
    return frame;
  }

 protected:
  ClipReader(std::string source, int size, double fps, std::int64_t count) {
    info_.source = std::move(source);
    info_.width = info_.height = size;
    info_.fps = fps;
    info_.count = count;
  }
  virtual Picture picture(std::int64_t index) = 0;

 private:
  FramesInfo info_;
  std::int64_t next_ = 0;
};

class DatasetClip : public ClipReader {
 public:
  DatasetClip(std::shared_ptr<const Dataset> dataset, const ClipInfo& clip, Part part)
      : ClipReader(dataset->path().string() + " " + clip.id, dataset->header().size, clip.fps,
                   clip.frames),
        dataset_(std::move(dataset)),
        id_(clip.id),
        part_(part) {}

 private:
  Picture picture(std::int64_t index) override {
    Picture picture(info().width, info().height);
    if (part_ == Part::kBaseline) {
      dataset_->read_colorized(id_, index, 1, picture.rgb);
    } else {
      dataset_->read_truth(id_, index, 1, picture.rgb);
    }
    return part_ == Part::kGray ? gray_picture(picture) : picture;
  }

  std::shared_ptr<const Dataset> dataset_;
  std::string id_;
  Part part_;
};

class ResultFrames : public ClipReader {
 public:
  ResultFrames(std::shared_ptr<const ResultFile> file, const ResultClip& clip,
               const std::string& name)
      : ClipReader(name, file->size(), clip.fps, clip.frames),
        file_(std::move(file)),
        id_(clip.id) {}

 private:
  Picture picture(std::int64_t index) override {
    Picture picture(info().width, info().height);
    std::vector<float> values(picture.rgb.size());
    file_->read_frame(id_, index, values);
    std::transform(values.begin(), values.end(), picture.rgb.begin(),
                   [](float value) { return to_byte(double{value}); });
    return picture;
  }

  std::shared_ptr<const ResultFile> file_;
  std::string id_;
};

void append_h5(const fs::path& path, Part part, std::vector<Sequence>& sequences) {
  if (part == Part::kResult) {
    const auto file = std::make_shared<const ResultFile>(path);
    for (const ResultClip& clip : file->clips()) {
      const std::string name = path.string() + " " + clip.id;
      sequences.push_back({clip.id, name, true, [file, clip, name] {
                             return std::make_unique<ResultFrames>(file, clip, name);
                           }});
    }
    return;
  }
  const auto dataset = std::make_shared<const Dataset>(path);
  for (const ClipInfo& clip : dataset->clips()) {
    sequences.push_back({clip.id, path.string() + " " + clip.id, true, [dataset, clip, part] {
                           return std::make_unique<DatasetClip>(dataset, clip, part);
                         }});
  }
}

using Key = std::string (*)(const std::string& id);
using Pointers = std::vector<const Sequence*>;

Pointers addresses_of(const std::vector<Sequence>& sequences) {
  Pointers pointers;
  for (const Sequence& sequence : sequences) pointers.push_back(&sequence);
  return pointers;
}

/// Those that have the same key, if it has one.
Pointers alike(const Pointers& those, const Sequence& sequence, Key key) {
  Pointers found;
  std::copy_if(those.begin(), those.end(), std::back_inserter(found), [&](const Sequence* other) {
    return !key(sequence.id).empty() && key(other->id) == key(sequence.id);
  });
  return found;
}

[[noreturn]] void refuse_choice(const Sequence& sequence, const Pointers& partners,
                                const std::string& option) {
  throw InputError(
      sequence.name,
      "could belong to " + partners[0]->name + " or " + partners[1]->name + " (" + option + ")",
      "give one of them");
}

}  // namespace

std::vector<Sequence> list_sequences(const std::vector<fs::path>& paths, Part part) {
  std::vector<Sequence> sequences;
  for (const fs::path& path : expand_folders(paths)) {
    if (is_hdf5(path)) {
      append_h5(path, part, sequences);
    } else {
      sequences.push_back(
          {clip_id(path), path.string(), false, [path] { return open_frames(path); }});
    }
  }
  return sequences;
}

std::vector<Sequence> match_sequences(const std::vector<Sequence>& wanted,
                                      const std::vector<Sequence>& candidates,
                                      const std::string& option) {
  if (wanted.size() == 1 && candidates.size() == 1) return candidates;
  std::map<const Sequence*, const Sequence*> partner_of;
  Pointers unmatched = addresses_of(wanted), unused = addresses_of(candidates);
  for (const Key key : {Key([](const std::string& id) { return id; }), Key(trailing_id)}) {
    for (const Sequence* const sequence : unmatched) {
      const Pointers partners = alike(unused, *sequence, key);
      if (partners.empty()) continue;
      if (partners.size() > 1) refuse_choice(*sequence, partners, option);
      const Pointers rivals = alike(unmatched, *sequence, key);
      if (rivals.size() > 1) refuse_choice(*partners.front(), rivals, option);
      partner_of[sequence] = partners.front();
    }
    std::erase_if(unmatched, [&](const Sequence* sequence) {
      const auto found = partner_of.find(sequence);
      if (found == partner_of.end()) return false;
      std::erase(unused, found->second);
      return true;
    });
  }
  std::vector<Sequence> matches;
  for (const Sequence& sequence : wanted) {
    const auto found = partner_of.find(&sequence);
    if (found == partner_of.end()) {
      throw InputError(sequence.name, "has no partner among the files of " + option,
                       "give files of equal name or equal trailing number");
    }
    matches.push_back(*found->second);
  }
  return matches;
}

}  // namespace afterglow
