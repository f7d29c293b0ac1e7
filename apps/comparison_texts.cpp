#include "apps/comparison_texts.hpp"

#include <algorithm>

#include "apps/train_options.hpp"

namespace afterglow {

std::string told(Better better) {
  switch (better) {
    case Better::kHigher:
      return "higher is better";
    case Better::kLower:
      return "lower is better";
    case Better::kLikeTruth:
      return "like the truth’s";
    case Better::kDownToTruth:
      return "lower is better, down to the truth’s";
    case Better::kNearZero:
      return "near 0";
    case Better::kUnknown:
      break;
  }
  return {};
}

const std::vector<MetricText>& metric_texts() {
  static const std::vector<MetricText> texts{
      {"psnr", "PSNR", "dB", 2, Better::kHigher},
      {"ssim", "SSIM", "0 to 1", 4, Better::kHigher},
      {"pixel_match_percent", "Pixel match", "%", 2, Better::kHigher},
      {"temporal_mse", "Temporal MSE", "0–255, squared", 1, Better::kLikeTruth},
      {"flicker", "Flicker", "above the truth’s", 3, Better::kNearZero},
      {"colorfulness", "Colourfulness", "Hasler–Süsstrunk", 1, Better::kLikeTruth},
      {"cdc", "CDC", "Jensen–Shannon", 4, Better::kLikeTruth},
      {"cdc_difference", "CDC, from truth", "Jensen–Shannon", 4, Better::kLower},
      {"ewarp_dis", "E_warp", "DIS flow", 5, Better::kDownToTruth},
      {"ewarp_ab_dis", "E_warp, chroma", "DIS flow", 6, Better::kDownToTruth},
      {"ewarp_flo", "E_warp", "given flow", 5, Better::kDownToTruth},
      {"ewarp_ab_flo", "E_warp, chroma", "given flow", 6, Better::kDownToTruth},
  };
  return texts;
}

MetricText metric_text(const std::string& key) {
  const std::vector<MetricText>& texts = metric_texts();
  const auto found = std::find_if(texts.begin(), texts.end(),
                                  [&](const MetricText& text) { return text.key == key; });
  if (found != texts.end()) return *found;
  return {.key = key, .title = key, .unit = {}};
}

std::string configuration_label(const nlohmann::ordered_json& configuration) {
  std::string name = configuration["name"];
  const std::string arch = configuration["arch"];
  const std::string beta = number_text(configuration["beta"].get<double>());
  const std::string usual = arch + "-beta" + beta;
  if (!name.starts_with(usual)) return name;
  std::string rest = name.substr(usual.size());
  if (!rest.empty() && rest.front() != '-') return name;
  std::replace(rest.begin(), rest.end(), '-', ' ');
  return (arch == "alexnet" ? "AlexNet" : "VGG16") + std::string(", β = ") + beta +
         (rest.empty() ? "" : ",") + rest;
}

std::string reference_label(const std::string& key) {
  if (key == "truth") return "truth";
  if (key == "gray") return "gray";
  if (key == "baseline") return "input (frame by frame)";
  if (key == "baseline_halved") return "input, chroma halved";
  if (key == "baseline_carried") return "input, chroma carried along";
  return key;
}

}  // namespace afterglow
