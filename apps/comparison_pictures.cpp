#include "apps/comparison_pictures.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <sstream>
#include <vector>

#include "apps/clip_colorizer.hpp"
#include "apps/comparison_charts.hpp"
#include "apps/comparison_texts.hpp"
#include "data/colour.hpp"
#include "data/contact_sheet.hpp"
#include "data/result_file.hpp"

namespace afterglow {
namespace {

constexpr int kFrames = 7;

std::string base64(const std::string& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends it by a zero
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  text.pop_back();
  return text;
}

std::string image(const Picture& picture, const std::string& description) {
  return "<img alt=\"" + escape_markup(description) + "\" width=\"" +
         std::to_string(picture.width) + "\" height=\"" + std::to_string(picture.height) +
         "\" src=\"data:image/png;base64," + base64(encode_picture("frame.png", picture)) +
         "\" />\n";
}

/// A version of the clip.
struct ClipVersion {
  std::string label;
  std::function<Picture(std::int64_t index)> frame;
};

std::vector<ClipVersion> versions_of(const nlohmann::ordered_json& report,
                                     const ComparisonState& state, const ClipInfo& clip) {
  const std::shared_ptr<const Dataset> data = state.data.dataset;
  const int size = data->header().size;
  const std::string id = clip.id;
  const auto truth = [data, size, id](std::int64_t index) {
    Picture picture(size, size);
    data->read_truth(id, index, 1, picture.rgb);
    return picture;
  };
  const auto gray = [truth](std::int64_t index) { return gray_picture(truth(index)); };
  const auto input = [data, size, id](std::int64_t index) {
    Picture picture(size, size);
    data->read_colorized(id, index, 1, picture.rgb);
    return picture;
  };
  std::vector<ClipVersion> versions{{reference_label("truth"), truth},
                                    {reference_label("gray"), gray},
                                    {reference_label("baseline"), input}};
  for (std::size_t i = 0; i < state.plan.size(); ++i) {
    const ComparedRun& run = state.runs[state.run_of[i].front()];
    const std::filesystem::path path = run.result(state.plan[i].inference);
    if (!std::filesystem::exists(path)) continue;
    const auto file = std::make_shared<const ResultFile>(path);
    const auto frame = [file, id](std::int64_t index) {
      std::vector<float> values(Picture(file->size(), file->size()).rgb.size());
      file->read_frame(id, index, values);
      return rounded_picture(values);
    };
    versions.push_back({configuration_label(report["configurations"][i]), frame});
  }
  return versions;
}

/// The middle column of every frame, side by side.
Picture strip_of(const ClipVersion& version, std::int64_t frames) {
  Picture strip;
  for (std::int64_t t = 0; t < frames; ++t) {
    const Picture frame = version.frame(t);
    if (t == 0) strip = Picture(static_cast<int>(frames), frame.height);
    for (int y = 0; y < frame.height; ++y) {
      const auto pixel = [](const Picture& picture, int row, std::int64_t column) {
        return 3 * (static_cast<std::ptrdiff_t>(row) * picture.width + column);
      };
      std::copy_n(frame.rgb.begin() + pixel(frame, y, frame.width / 2), 3,
                  strip.rgb.begin() + pixel(strip, y, t));
    }
  }
  return strip;
}

}  // namespace

std::string comparison_pictures(const nlohmann::ordered_json& report,
                                const ComparisonState& state) {
  const ClipInfo& clip = state.data.first_held_out();
  const std::vector<ClipVersion> versions = versions_of(report, state, clip);
  const std::vector<std::int64_t> shown = evenly_spaced(clip.frames, kFrames);
  std::ostringstream html;
  html << "<h2>Frames</h2>\n<figure>\n<div class=\"sheet\" style=\"grid-template-columns: "
          "9.5rem repeat("
       << shown.size() << ", minmax(0, 1fr))\">\n";
  for (const ClipVersion& version : versions) {
    html << "<span>" << escape_markup(version.label) << "</span>\n";
    for (const std::int64_t index : shown) {
      html << image(version.frame(index), version.label + ", frame " + std::to_string(index));
    }
  }
  html << "</div>\n<figcaption>Clip " << escape_markup(clip.id) << ", " << clip.frames
       << " frames, held out of training; each network with its first seed, run on its own outputs "
          "unless its name says otherwise.</figcaption>\n</figure>\n"
       << "<h2>One column over time</h2>\n<figure>\n<div class=\"strips\">\n";
  for (const ClipVersion& version : versions) {
    html << "<span>" << escape_markup(version.label) << "</span>\n"
         << image(strip_of(version, clip.frames), version.label + ", one column over time");
  }
  html << "</div>\n<figcaption>The middle column of every frame of clip " << escape_markup(clip.id)
       << ", the first frame at the left. Flicker shows as vertical stripes.</figcaption>\n"
          "</figure>\n";
  return html.str();
}

}  // namespace afterglow
