#include "base/pipeline.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <stdexcept>
#include <vector>

using namespace afterglow;

namespace {

/// Counts 0 .. count-1, then throws if `fails`.
std::function<std::optional<int>()> counting(int count, bool fails, std::atomic<int>& made) {
  return [=, &made]() -> std::optional<int> {
    if (made < count) return made++;
    if (fails) throw std::runtime_error("out of numbers");
    return std::nullopt;
  };
}

}  // namespace

TEST_CASE("values made ahead come in order, and an error behind those before it", "[threads]") {
  const bool fails = GENERATE(false, true);
  std::atomic<int> made = 0;
  Ahead<int> numbers(counting(100, fails, made), 3);
  for (int i = 0; i < 100; ++i) REQUIRE(numbers.next() == i);
  for (int again = 0; again < 2; ++again) {
    if (fails) {
      CHECK_THROWS_WITH(numbers.next(), "out of numbers");
    } else {
      CHECK(numbers.next() == std::nullopt);
    }
  }
}

TEST_CASE("no more values are made ahead than may wait, and what nobody wants is no obstacle",
          "[threads]") {
  std::atomic<int> made = 0;
  {
    Ahead<int> numbers(counting(1000, false, made), 3);
    REQUIRE(numbers.next() == 0);
  }
  CHECK(made <= 6);  // used, waiting, in the making, and one whose place the used one left
}

TEST_CASE("values are used behind their making in order, all of them", "[threads]") {
  std::vector<int> used;
  {
    Behind<int> sink([&](int value) { used.push_back(value); }, 3);
    for (int i = 0; i < 100; ++i) sink.push(i);
    sink.finish();
    CHECK(used.size() == 100);
  }
  for (int i = 0; i < 100; ++i) REQUIRE(used[std::size_t(i)] == i);
}

TEST_CASE("what fails behind the making is thrown at a later value or at the end", "[threads]") {
  const auto fail_at = [](int last) {
    Behind<int> sink(
        [](int value) {
          if (value == 5) throw std::runtime_error("no place for 5");
        },
        3);
    for (int i = 0; i <= last; ++i) sink.push(i);
    sink.finish();
  };
  CHECK_NOTHROW(fail_at(4));
  CHECK_THROWS_WITH(fail_at(5), "no place for 5");
  CHECK_THROWS_WITH(fail_at(50), "no place for 5");
}
