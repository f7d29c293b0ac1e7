// The pictures of a comparison's page.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "apps/comparison_report.hpp"

namespace afterglow {

/// The first held-out clip as HTML: truth, gray, input and every configuration's first seed, in
/// seven frames, as in the paper's Figure 2, and in one column of pixels over time, where flicker
/// is seen at a glance. Throws InputError when pictures cannot be read.
std::string comparison_pictures(const nlohmann::ordered_json& report, const ComparisonState& state);

}  // namespace afterglow
