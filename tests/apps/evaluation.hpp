// What tests of `afterglow evaluate` begin with.
#pragma once

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/fixtures.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow::test {

inline Picture brighter(Picture picture, int by) {
  for (auto& value : picture.rgb) value = static_cast<std::uint8_t>(value + by);
  return picture;
}

/// A folder with films, and `afterglow evaluate` of them.
struct Evaluation {
  TemporaryFolder folder;
  std::string printed;  // by the last evaluate()

  fs::path file(const std::string& name) const { return folder.path() / name; }

  /// Its JSON.
  nlohmann::json evaluate(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"evaluate", "--json", file("scores.json")});
    const ProgramResult result = run_afterglow(arguments);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    printed = result.out;
    return nlohmann::json::parse(std::ifstream(file("scores.json")));
  }
};

}  // namespace afterglow::test
