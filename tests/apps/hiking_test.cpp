// The paper's own films: `afterglow evaluate` beside the published figures and numpy. Needs the
// folder of color_N.mp4 and colorized_N.mp4, AFTERGLOW_HIKING; and a Python with numpy and cv2:
// AFTERGLOW_PYTHON, else python3.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>

#include "apps/evaluation.hpp"
#include "support/peer.hpp"

namespace afterglow::test {
namespace {

/// Of clips 1 to 3, percent: the authors' baseline, from the encoded files by swscale with accurate
/// rounding and full chroma interpolation. Their own figures, 25.056, 40.732 and 23.562, are from
/// before encoding.
constexpr double kPixelMatch[] = {24.19, 40.72, 21.80};
constexpr double kPixelMatchTolerance = 0.2;  // percent points: of decoders' versions
constexpr double kPsnrTolerance = 0.01;       // dB

/// PSNR of two folders of pictures in double, mean over frames.
constexpr const char* kScript = R"(
import pathlib
import sys
import cv2
import numpy as np
truth, result = (sorted(pathlib.Path(folder).glob("*.png")) for folder in sys.argv[1:3])
assert len(truth) == len(result) > 0
values = []
for pair in zip(truth, result):
    a, b = (cv2.imread(str(path), cv2.IMREAD_COLOR).astype(np.float64) for path in pair)
    values.append(20 * np.log10(255 / np.sqrt(np.mean((a - b) ** 2))))
print(np.mean(values))
)";

/// All frames of a film as the program itself writes them, 00000.png onwards.
void dump(const fs::path& film, std::int64_t frames, const fs::path& folder) {
  std::string all = "0";
  for (std::int64_t t = 1; t < frames; ++t) all += "," + std::to_string(t);
  const ProgramResult result =
      run_afterglow({"colorize", film.string(), "--export-frames", all, "--out", folder.string()});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
}

}  // namespace

TEST_CASE_METHOD(Evaluation, "the paper's films have their published pixel match, and numpy's PSNR",
                 "[peer]") {
  const char* const named = std::getenv("AFTERGLOW_HIKING");
  if (named == nullptr) {
    std::cout << "SKIPPED: AFTERGLOW_HIKING names no folder\n";
    return;
  }
  if (!python_has("numpy, cv2")) return;
  const fs::path clips = named;
  std::vector<std::string> truths{"--truth"}, results{"--result"};
  for (const std::string clip : {"1", "2", "3"}) {
    truths.push_back(clips / ("color_" + clip + ".mp4"));
    results.push_back(clips / ("colorized_" + clip + ".mp4"));
  }
  std::vector<std::string> arguments{"--no-flow"};
  arguments.insert(arguments.end(), truths.begin(), truths.end());
  arguments.insert(arguments.end(), results.begin(), results.end());
  const nlohmann::json scores = evaluate(arguments);
  CHECK_THAT(scores["conversion"].get<std::string>(),
             Catch::Contains("accurate rounding, full chroma interpolation"));
  for (std::size_t i = 0; i < 3; ++i) {
    CAPTURE(i + 1);
    const nlohmann::json& clip = scores["clips"][i];
    const double pixel_match = clip["result"]["pixel_match_percent"].get<double>();
    CHECK(pixel_match == Approx(kPixelMatch[i]).margin(kPixelMatchTolerance).epsilon(0));

    const fs::path truth = file("truth_" + std::to_string(i));
    const fs::path result = file("result_" + std::to_string(i));
    dump(truths[i + 1], clip["frames"], truth);
    dump(results[i + 1], clip["frames"], result);
    const ProgramResult script = run_to_end(python(), {"-c", kScript, truth, result});
    INFO(script.err);
    REQUIRE(script.exit_code == 0);
    const double psnr = clip["result"]["psnr"].get<double>();
    CHECK(psnr == Approx(std::stod(script.out)).margin(kPsnrTolerance).epsilon(0));
    std::cout << "hiking " << i + 1 << ": pixel match " << pixel_match << " %, PSNR " << psnr
              << " dB, numpy's " << script.out;
  }
}

}  // namespace afterglow::test
