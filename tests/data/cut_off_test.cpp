#include "data/cut_off.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <memory>
#include <string>

#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

TEST_CASE("an index entry beyond the end of the file means that it is cut off") {
  constexpr int kSize = 100;  // bytes of the file, which is no Matroska
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "film";
  std::ofstream(path) << std::string(kSize, 'x');
  const std::unique_ptr<AVFormatContext, decltype(&avformat_free_context)> container(
      avformat_alloc_context(), avformat_free_context);
  AVStream& stream = *avformat_new_stream(container.get(), nullptr);
  const auto add = [&](std::int64_t position, std::int64_t time) {
    REQUIRE(av_add_index_entry(&stream, position, time, 10, 0, AVINDEX_KEYFRAME) >= 0);
  };
  CHECK_FALSE(is_cut_off(path, stream));
  add(kSize - 10, 0);
  add(-1000, 1);  // as of a demuxer that does not know
  CHECK_FALSE(is_cut_off(path, stream));
  add(kSize - 9, 2);
  CHECK(is_cut_off(path, stream));
}

}  // namespace
}  // namespace afterglow
