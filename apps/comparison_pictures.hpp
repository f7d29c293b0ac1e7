// The pictures of a comparison's page.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "apps/comparison_report.hpp"
#include "data/picture.hpp"

namespace afterglow {

struct ComparisonPictures {
  std::string html;
  Picture frames;  // the seven frames, with labels
  Picture strips;  // the columns over time, with labels
};

/// The first held-out clip: truth, gray, input and every configuration's first seed that has a
/// result, in seven frames, as in the paper's Figure 2, side by side under a slider, and in one
/// column of pixels over time, where flicker is seen at a glance; of the next seven clips a frame.
/// Throws InputError when pictures cannot be read.
ComparisonPictures comparison_pictures(const nlohmann::ordered_json& report,
                                       const ComparisonState& state);

}  // namespace afterglow
