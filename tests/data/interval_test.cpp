#include "data/interval.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <utility>

namespace afterglow {

TEST_CASE("Student's t is that of the printed tables") {
  constexpr double kPrinted = 0.0006;  // three decimals
  for (const auto& [freedom, t] :
       {std::pair{1, 12.706}, std::pair{2, 4.303}, std::pair{3, 3.182}, std::pair{4, 2.776},
        std::pair{5, 2.571}, std::pair{8, 2.306}, std::pair{9, 2.262}, std::pair{30, 2.042},
        std::pair{60, 2.000}, std::pair{120, 1.980}, std::pair{10000, 1.960}}) {
    CAPTURE(freedom);
    CHECK(student_t_95(freedom) == Approx(t).epsilon(0).margin(kPrinted));
  }
}

TEST_CASE("the interval of a mean by hand") {
  // Deviation sqrt((4 + 1 + 1 + 4) / 3), t for 3 degrees of freedom.
  const MeanInterval interval = mean_interval({1, 2, 4, 5}).value();
  CHECK(interval.n == 4);
  CHECK(interval.mean == Approx(3));
  CHECK(interval.half_width.value() == Approx(3.1824463 * std::sqrt(10 / 3.0) / 2));
  CHECK(mean_interval({7, 7, 7}).value().half_width.value() == 0);
}

TEST_CASE("one value has no interval, none no mean") {
  const MeanInterval one = mean_interval({2.5}).value();
  CHECK(one.n == 1);
  CHECK(one.mean == 2.5);
  CHECK_FALSE(one.half_width.has_value());
  CHECK_FALSE(mean_interval({}).has_value());
}

}  // namespace afterglow
