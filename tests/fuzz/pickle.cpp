#include "weights/pickle.hpp"

#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace afterglow;
  return fuzz::refused_or_read([&] {
    std::string_view bytes = fuzz::text_of(data, size);
    while (!bytes.empty()) take_pickle("f", bytes);
  });
}
