#include "data/names.hpp"

#include <catch2/catch.hpp>

namespace afterglow {

TEST_CASE("what the name of a file says") {
  CHECK(size_text(128, 96) == "128x96");
  CHECK(lower_extension("a/B.MkV") == ".mkv");
  CHECK(lower_extension("a.b/c").empty());
  CHECK(is_hdf5("a.h5"));
  CHECK(is_hdf5("a.hdf5"));
  CHECK_FALSE(is_hdf5("h5"));
  CHECK(is_writable_film("a.WEBM"));
  CHECK_FALSE(is_writable_film("a.ts"));
  CHECK(is_film("a.mov"));
  CHECK(is_film("a.TS"));
  CHECK_FALSE(is_film("a.png"));
  CHECK_FALSE(is_film("mkv"));
}

}  // namespace afterglow
