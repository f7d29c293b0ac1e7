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
constexpr std::size_t kFurtherClips = 7;  // as many columns as frames of the first

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

/// The films as they were, as they came in, or as a network made them.
struct FilmVersion {
  std::string name;  // in the report
  std::string label;
  std::function<Picture(const std::string& clip, std::int64_t index)> frame;
};

std::vector<FilmVersion> versions_of(const nlohmann::ordered_json& report,
                                     const ComparisonState& state) {
  const std::shared_ptr<const Dataset> data = state.data.dataset;
  const int size = data->header().size;
  const auto truth = [data, size](const std::string& clip, std::int64_t index) {
    Picture picture(size, size);
    data->read_truth(clip, index, 1, picture.rgb);
    return picture;
  };
  const auto gray = [truth](const std::string& clip, std::int64_t index) {
    return gray_picture(truth(clip, index));
  };
  const auto input = [data, size](const std::string& clip, std::int64_t index) {
    Picture picture(size, size);
    data->read_colorized(clip, index, 1, picture.rgb);
    return picture;
  };
  std::vector<FilmVersion> versions{{"truth", reference_label("truth"), truth},
                                    {"gray", reference_label("gray"), gray},
                                    {"input", reference_label("baseline"), input}};
  for (std::size_t i = 0; i < state.plan.size(); ++i) {
    const std::vector<std::size_t>& runs = state.run_of[i];
    const auto result = [&](std::size_t run) {
      return state.runs[run].result(state.plan[i].inference);
    };
    const auto shown = std::find_if(runs.begin(), runs.end(), [&](std::size_t run) {
      return std::filesystem::exists(result(run));
    });
    if (shown == runs.end()) continue;
    const auto file = std::make_shared<const ResultFile>(result(*shown));
    const auto frame = [file](const std::string& clip, std::int64_t index) {
      std::vector<float> values(Picture(file->size(), file->size()).rgb.size());
      file->read_frame(clip, index, values);
      return rounded_picture(values);
    };
    const nlohmann::ordered_json& configuration = report["configurations"][i];
    std::string label = configuration_label(configuration);
    if (shown != runs.begin()) {
      const auto place = static_cast<std::size_t>(shown - runs.begin());
      label += ", seed " + std::to_string(state.plan[i].seeds[place]);
    }
    versions.push_back({configuration["name"], label, frame});
  }
  return versions;
}

/// The middle column of every frame, side by side.
Picture strip_of(const FilmVersion& version, const ClipInfo& clip) {
  Picture strip;
  for (std::int64_t t = 0; t < clip.frames; ++t) {
    const Picture frame = version.frame(clip.id, t);
    if (t == 0) strip = Picture(static_cast<int>(clip.frames), frame.height);
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
Picture film_of(const FilmVersion& version, const std::string& clip, std::int64_t frames) {
  Picture film;
  for (std::int64_t t = 0; t < frames; ++t) {
    const Picture frame = version.frame(clip, t);
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
std::string player(const std::vector<FilmVersion>& versions, const ClipInfo& clip) {
  const std::int64_t frames = std::min(clip.frames, kPlayerFrames);
  std::ostringstream html;
  html << "<figure class=\"player\" hidden=\"\" data-columns=\"" << kPlayerColumns
       << "\" data-fps=\"" << clip.fps << "\" style=\"--columns: " << kPlayerColumns
       << "\">\n<div class=\"films\">\n";
  for (const FilmVersion& version : versions) {
    html << "<div><div class=\"film\">"
         << image(film_of(version, clip.id, frames),
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

/// The middle frame of held-out clips but the first: a row a version, a column a clip.
std::string further_clips(const std::vector<FilmVersion>& versions,
                          const std::vector<ClipInfo>& held_out) {
  const std::size_t end = std::min(held_out.size(), kFurtherClips + 1);
  if (end < 2) return {};
  std::ostringstream html;
  html << "<h2>Other held-out clips</h2>\n<figure>\n<div class=\"sheet\" "
          "style=\"grid-template-columns: 9.5rem repeat("
       << end - 1 << ", minmax(0, 8rem))\">\n<span></span>\n";
  for (std::size_t i = 1; i < end; ++i) {
    html << "<span>" << escape_markup(held_out[i].id) << "</span>\n";
  }
  for (const FilmVersion& version : versions) {
    html << "<span>" << escape_markup(version.label) << "</span>\n";
    for (std::size_t i = 1; i < end; ++i) {
      const ClipInfo& clip = held_out[i];
      html << image(version.frame(clip.id, clip.frames / 2), version.label + ", clip " + clip.id,
                    "frame.jpg");
    }
  }
  html << "</div>\n<figcaption>The middle frame of ";
  if (end < held_out.size()) {
    html << "the next " << end - 1 << " of " << held_out.size() - 1 << " other clips";
  } else {
    html << "each";
  }
  html << "; pictures compressed as JPEG here.</figcaption>\n</figure>\n";
  return html.str();
}

}  // namespace

ComparisonPictures comparison_pictures(const nlohmann::ordered_json& report,
                                       const ComparisonState& state) {
  const ClipInfo& clip = state.data.first_held_out();
  const std::vector<FilmVersion> versions = versions_of(report, state);
  const std::vector<std::int64_t> shown = evenly_spaced(clip.frames, kFrames);
  std::vector<SheetRow> frame_rows, strip_rows;
  std::ostringstream html;
  html << "<h2>Frames</h2>\n<figure>\n<div class=\"sheet\" style=\"grid-template-columns: "
          "9.5rem repeat("
       << shown.size() << ", minmax(0, 1fr))\">\n";
  for (const FilmVersion& version : versions) {
    SheetRow& row = frame_rows.emplace_back(SheetRow{version.name, {}});
    html << "<span>" << escape_markup(version.label) << "</span>\n";
    for (const std::int64_t index : shown) {
      row.frames.push_back(version.frame(clip.id, index));
      html << image(row.frames.back(), version.label + ", frame " + std::to_string(index));
    }
  }
  html << "</div>\n<figcaption>Clip " << escape_markup(clip.id) << ", " << clip.frames
       << " frames, held out of training; each network with the first of its seeds that has a "
          "result, run on its own outputs unless its name says otherwise.</figcaption>\n</figure>\n"
       << player(versions, clip)
       << "<h2>One column over time</h2>\n<figure>\n<div class=\"strips\">\n";
  for (const FilmVersion& version : versions) {
    const Picture strip = strip_of(version, clip);
    strip_rows.push_back({version.name, {strip}});
    html << "<span>" << escape_markup(version.label) << "</span>\n"
         << image(strip, version.label + ", one column over time");
  }
  html << "</div>\n<figcaption>The middle column of every frame of clip " << escape_markup(clip.id)
       << ", the first frame at the left. Flicker shows as vertical stripes.</figcaption>\n"
          "</figure>\n"
       << further_clips(versions, state.data.dataset->clips(state.data.held_out));
  const Picture& strip = strip_rows.front().frames.front();
  return {html.str(), contact_sheet(frame_rows),
          contact_sheet(strip_rows, std::max(strip.width, strip.height))};
}

}  // namespace afterglow
