#include "weights/npy.hpp"

#include <catch2/catch.hpp>
#include <cstdint>

#include "base/error.hpp"

namespace afterglow {
namespace {

std::string npy(const std::string& header, const std::string& data) {
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header +
         data;
}

std::string header(const std::string& type, const std::string& shape) {
  return "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
}

bool refused(const std::string& bytes) {
  try {
    parse_npy("f", bytes);
  } catch (const InputError&) {
    return true;
  }
  return false;
}

}  // namespace

TEST_CASE("arrays of integers and of both floats are read") {
  const std::int64_t integers[2] = {-90, 110};
  const auto bytes = [](const auto& values) {
    return std::string(reinterpret_cast<const char*>(values), sizeof values);
  };
  const RawTensor read = parse_npy("f", npy(header("<i8", "(2, 1)"), bytes(integers)));
  CHECK(read.shape == std::vector<std::int64_t>{2, 1});
  CHECK(read.values == std::vector<float>{-90, 110});
  const double reals[1] = {0.5};
  CHECK(parse_npy("f", npy(header("<f8", "()"), bytes(reals))).values == std::vector<float>{0.5});
  const float singles[3] = {1, 2, 3};
  CHECK(parse_npy("f", npy(header("<f4", "(3,)"), bytes(singles))).values ==
        std::vector<float>{1, 2, 3});
}

TEST_CASE("damaged and unknown arrays are refused") {
  const std::string good = npy(header("<f4", "(1,)"), "abcd");
  REQUIRE_FALSE(refused(good));
  for (std::size_t length = 0; length < good.size(); ++length)
    CHECK(refused(good.substr(0, length)));
  CHECK(refused(good + "e"));
  CHECK(refused(npy(header(">f4", "(1,)"), "abcd")));
  CHECK(refused(npy(header("|O", "(1,)"), "abcd")));  // a pickle
  CHECK(refused(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }\n", "abcd")));
  CHECK(refused(npy(header("<f4", "(-1,)"), "abcd")));
  CHECK(refused(npy(header("<f4", "(999999999999999999, 999999999999999999)"), "abcd")));
  CHECK(refused(npy(header("<f4", "(4611686018427387904, 4)"), "")));
}

}  // namespace afterglow
