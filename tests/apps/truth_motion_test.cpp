#include "apps/truth_motion.hpp"

#include <catch2/catch.hpp>

#include "data/optical_flow.hpp"
#include "data/synth.hpp"

namespace afterglow::test {

TEST_CASE("the truth's motion leads from each frame to the next and back, but not over a cut") {
  const SynthClip clip(9, {20, 128, true});
  REQUIRE(clip.cuts().size() == 1);
  TruthMotion motion;
  for (int t = 0; t < 20; ++t) {
    CAPTURE(t, clip.cuts()[0]);
    motion.push(clip.frame(t));
    const bool begins = t == 0 || t == clip.cuts()[0];
    CHECK((motion.there().dis == nullptr) == begins);
    CHECK((motion.back() == nullptr) == begins);
    CHECK(motion.there().flo == nullptr);
    if (begins) continue;
    CHECK(motion.there().dis->flow == dis_flow(clip.frame(t - 1), clip.frame(t)));
    CHECK(motion.back()->flow == dis_flow(clip.frame(t), clip.frame(t - 1)));
  }
}

TEST_CASE("small frames have no motion") {
  TruthMotion motion;
  for (int t = 0; t < 3; ++t) motion.push(Picture(31, 64));
  CHECK(motion.there().dis == nullptr);
  CHECK(motion.back() == nullptr);
}

}  // namespace afterglow::test
