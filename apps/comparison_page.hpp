// What came out of a comparison, for people: index.html, one page that needs no network.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "apps/comparison_report.hpp"

namespace afterglow {

/// The page, of a report and what it was made of. Throws InputError when a run's pictures cannot be
/// read.
std::string comparison_page(const nlohmann::ordered_json& report, const ComparisonState& state);

}  // namespace afterglow
