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
constexpr std::int64_t kPlayerFrames = 120;  // of a longer clip the first ones: a page is one file
constexpr std::int64_t kPlayerColumns = 10;

std::string base64(const std::string& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends it by a zero
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  text.pop_back();
  return text;
}

/// A picture inside the page. `file_name` says how it is encoded: .png or .jpg.
std::string image(const Picture& picture, const std::string& description,
                  const std::string& file_name = "frame.png") {
  const std::string type = file_name.ends_with(".jpg") ? "jpeg" : "png";
  return "<img alt=\"" + escape_markup(description) + "\" width=\"" +
         std::to_string(picture.width) + "\" height=\"" + std::to_string(picture.height) +
         "\" src=\"data:image/" + type + ";base64," + base64(encode_picture(file_name, picture)) +
         "\" />\n";
}

/// A version of the clip.
struct ClipVersion {
  std::string name;  // in the report
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
  std::vector<ClipVersion> versions{{"truth", reference_label("truth"), truth},
                                    {"gray", reference_label("gray"), gray},
                                    {"input", reference_label("baseline"), input}};
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
    const nlohmann::ordered_json& configuration = report["configurations"][i];
    versions.push_back({configuration["name"], configuration_label(configuration), frame});
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

/// The first frames row by row in one picture, which the page's script shows a frame of.
Picture film_of(const ClipVersion& version, std::int64_t frames) {
  Picture film;
  for (std::int64_t t = 0; t < frames; ++t) {
    const Picture frame = version.frame(t);
    if (t == 0) {
      const std::int64_t rows = (frames + kPlayerColumns - 1) / kPlayerColumns;
      film = Picture(static_cast<int>(kPlayerColumns) * frame.width,
                     static_cast<int>(rows) * frame.height);
    }
    draw_picture(film, frame, static_cast<int>(t % kPlayerColumns) * frame.width,
                 static_cast<int>(t / kPlayerColumns) * frame.height);
  }
  return film;
}

/// The clip under a slider; shown by the page's script.
std::string player(const std::vector<ClipVersion>& versions, const ClipInfo& clip) {
  const std::int64_t frames = std::min(clip.frames, kPlayerFrames);
  std::ostringstream html;
  html << "<figure class=\"player\" hidden=\"\" data-columns=\"" << kPlayerColumns
       << "\" data-fps=\"" << clip.fps << "\" style=\"--columns: " << kPlayerColumns
       << "\">\n<div class=\"films\">\n";
  for (const ClipVersion& version : versions) {
    html << "<div><div class=\"film\">"
         << image(film_of(version, frames),
                  version.label + ", " + std::to_string(frames) + " frames", "film.jpg")
         << "</div><span>" << escape_markup(version.label) << "</span></div>\n";
  }
  html << "</div>\n<div class=\"controls\"><button type=\"button\">Play</button><input "
          "type=\"range\" min=\"0\" max=\""
       << frames - 1 << "\" value=\"0\" aria-label=\"frame\" /><output>frame 0</output></div>\n"
       << "<figcaption>The clip at " << clip.fps << " frames a second";
  if (frames < clip.frames) html << ", its first " << frames << " frames";
  html << "; pictures compressed as JPEG here.</figcaption>\n</figure>\n";
  return html.str();
}

}  // namespace

ComparisonPictures comparison_pictures(const nlohmann::ordered_json& report,
                                       const ComparisonState& state) {
  const ClipInfo& clip = state.data.first_held_out();
  const std::vector<ClipVersion> versions = versions_of(report, state, clip);
  const std::vector<std::int64_t> shown = evenly_spaced(clip.frames, kFrames);
  std::vector<SheetRow> frame_rows, strip_rows;
  std::ostringstream html;
  html << "<h2>Frames</h2>\n<figure>\n<div class=\"sheet\" style=\"grid-template-columns: "
          "9.5rem repeat("
       << shown.size() << ", minmax(0, 1fr))\">\n";
  for (const ClipVersion& version : versions) {
    SheetRow& row = frame_rows.emplace_back(SheetRow{version.name, {}});
    html << "<span>" << escape_markup(version.label) << "</span>\n";
    for (const std::int64_t index : shown) {
      row.frames.push_back(version.frame(index));
      html << image(row.frames.back(), version.label + ", frame " + std::to_string(index));
    }
  }
  html << "</div>\n<figcaption>Clip " << escape_markup(clip.id) << ", " << clip.frames
       << " frames, held out of training; each network with its first seed, run on its own outputs "
          "unless its name says otherwise.</figcaption>\n</figure>\n"
       << player(versions, clip)
       << "<h2>One column over time</h2>\n<figure>\n<div class=\"strips\">\n";
  for (const ClipVersion& version : versions) {
    const Picture strip = strip_of(version, clip.frames);
    strip_rows.push_back({version.name, {strip}});
    html << "<span>" << escape_markup(version.label) << "</span>\n"
         << image(strip, version.label + ", one column over time");
  }
  html << "</div>\n<figcaption>The middle column of every frame of clip " << escape_markup(clip.id)
       << ", the first frame at the left. Flicker shows as vertical stripes.</figcaption>\n"
          "</figure>\n";
  const Picture& strip = strip_rows.front().frames.front();
  return {html.str(), contact_sheet(frame_rows),
          contact_sheet(strip_rows, std::max(strip.width, strip.height))};
}

}  // namespace afterglow
