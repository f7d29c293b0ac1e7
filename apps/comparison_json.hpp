// Numbers of a comparison's report.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace afterglow {

/// A number of a row; nothing where it has none of that name.
inline std::optional<double> number_in(const nlohmann::ordered_json& row, const std::string& key) {
  const auto found = row.find(key);
  if (found == row.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

}  // namespace afterglow
