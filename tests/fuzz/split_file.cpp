#include "data/split.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace afterglow;
  return fuzz::refused_or_read([&] {
    split_clips({"a", "b", "c"}, {fuzz::file_of(fuzz::text_of(data, size)), {}, {}});
  });
}
