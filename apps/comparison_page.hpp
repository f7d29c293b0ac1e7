// What came out of a comparison, for people: index.html, one page that needs no network.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "apps/comparison_report.hpp"

namespace afterglow {

struct ComparisonPage {
  std::string html;
  std::map<std::string, std::string> figures;  // files beside it, by name: SVG and PNG
};

/// The page, of a report and what it was made of, and its figures one by one. Throws InputError
/// when a run's pictures cannot be read.
ComparisonPage comparison_page(const nlohmann::ordered_json& report, const ComparisonState& state);

}  // namespace afterglow
