// The tables of a comparison's page.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace afterglow {

/// Every metric of every row: what stands beside the networks, and the networks, with the state of
/// those of their runs that are not done.
std::string metrics_table(const nlohmann::ordered_json& report);

/// What departs from a base, less that base with the same seeds; empty where nothing does.
std::string ablation_table(const nlohmann::ordered_json& report);

/// Fidelity, steadiness and colour clip by clip, folded away; empty before anything is measured.
std::string clips_table(const nlohmann::ordered_json& report);

}  // namespace afterglow
