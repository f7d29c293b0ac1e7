#include "weights/keras_config.hpp"

#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace afterglow;
  return fuzz::refused_or_read(
      [&] { parse_keras_config("f", std::string(fuzz::text_of(data, size))); });
}
