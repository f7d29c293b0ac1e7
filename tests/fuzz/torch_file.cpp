#include "weights/torch_file.hpp"

#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace afterglow;
  return fuzz::refused_or_read([&] { parse_torch("f", fuzz::text_of(data, size)); });
}
