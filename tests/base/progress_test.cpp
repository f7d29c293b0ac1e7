#include "base/progress.hpp"

#include <catch2/catch.hpp>

TEST_CASE("durations read like a clock") {
  using afterglow::format_duration;
  CHECK(format_duration(0) == "0:00");
  CHECK(format_duration(9.6) == "0:10");
  CHECK(format_duration(125) == "2:05");
  CHECK(format_duration(3599.9) == "1:00:00");
  CHECK(format_duration(3723) == "1:02:03");
}
