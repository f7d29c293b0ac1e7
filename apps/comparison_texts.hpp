// How metrics and rows are called for people, and which values of a metric are good ones.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace afterglow {

/// kDownToTruth: lower is better, but nothing is won below the truth's.
enum class Better { kHigher, kLower, kLikeTruth, kDownToTruth, kNearZero, kUnknown };

/// "higher is better"; empty for kUnknown.
std::string told(Better better);

struct MetricText {
  std::string key;  // in the JSON of evaluate
  std::string title;
  std::string unit;  // empty: none
  int digits = 4;    // behind the point
  Better better = Better::kUnknown;
};

/// Those that are known, in the order of tables.
const std::vector<MetricText>& metric_texts();

/// The one of that key; one that is not known has its key as its title.
MetricText metric_text(const std::string& key);

/// "AlexNet, β = 0.8, deconv" for a configuration of the report called "alexnet-beta0.8-deconv"; a
/// plan's names as they are.
std::string configuration_label(const nlohmann::ordered_json& configuration);

/// Of a row that stands beside the results, by its key.
std::string reference_label(const std::string& key);

}  // namespace afterglow
