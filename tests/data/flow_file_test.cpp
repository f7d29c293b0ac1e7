#include "data/flow_file.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "base/error.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

using Catch::Matchers::Contains;
namespace fs = std::filesystem;

Flow small_flow() {
  Flow flow(3, 2);
  for (std::size_t i = 0; i < flow.uv.size(); ++i) flow.uv[i] = 0.25F * static_cast<float>(i) - 1;
  flow.uv[4] = flow.uv[5] = kUnknownFlow;
  return flow;
}

}  // namespace

TEST_CASE("flow files are Middlebury's, byte for byte, and read back") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "00000.flo";
  write_flow(path, small_flow());
  std::ifstream stream(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  REQUIRE(bytes.size() == 12 + 2 * 3 * 2 * 4);
  CHECK(bytes.substr(0, 12) == std::string("PIEH\3\0\0\0\2\0\0\0", 12));
  CHECK(bytes.substr(12, 4) == std::string("\0\0\x80\xbf", 4));  // -1
  CHECK(read_flow(path) == small_flow());
}

TEST_CASE("broken flow files are refused") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "a.flo";
  CHECK_THROWS_WITH(read_flow(path), Contains("cannot be read"));
  std::ofstream(path) << "no flow at all";
  CHECK_THROWS_WITH(read_flow(path), Contains("is not a .flo file"));
  write_flow(path, small_flow());
  fs::resize_file(path, fs::file_size(path) - 1);
  CHECK_THROWS_WITH(read_flow(path), Contains("ends too early"));
  std::ofstream(path, std::ios::binary) << std::string("PIEH\xff\xff\xff\xff\2\0\0\0", 12);
  CHECK_THROWS_WITH(read_flow(path), Contains("impossible size -1x2"));
  CHECK_THROWS_AS(write_flow("/proc/nowhere/a.flo", small_flow()), InputError);
}

}  // namespace afterglow
