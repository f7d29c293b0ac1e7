// Tests under each of this machine's instruction sets.
#pragma once

#include <hwy/highway.h>

#include <catch2/catch.hpp>
#include <cstdint>

namespace afterglow::test {

/// Runs body with each instruction set in turn.
template <typename Body>
void for_each_instruction_set(const Body& body) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    INFO(hwy::TargetName(target));
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace afterglow::test
