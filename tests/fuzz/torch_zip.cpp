// The content of a .pth file in an archive whose lengths and check sums are right: few mutations of
// a whole file (torch_file) are such.
#include <zip.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "weights/torch_file.hpp"

namespace {

/// An archive in memory under construction.
class Archive {
 public:
  void add(const std::string& name, std::string_view bytes) {
    zip_source_t* const source = zip_source_buffer(zip_, bytes.data(), bytes.size(), 0);
    const zip_int64_t index = zip_file_add(zip_, name.c_str(), source, ZIP_FL_ENC_RAW);
    if (index < 0) {  // a name that is there already
      zip_source_free(source);
      return;
    }
    zip_set_file_compression(zip_, static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0);
  }

  std::string close() {
    if (zip_get_num_entries(zip_, 0) == 0) {  // libzip would write nothing at all
      zip_discard(zip_);
      zip_source_free(whole_);
      return "PK\x05\x06" + std::string(18, '\0');
    }
    if (zip_close(zip_) != 0 || zip_source_open(whole_) != 0) std::abort();
    zip_stat_t stat;
    if (zip_source_stat(whole_, &stat) != 0) std::abort();
    std::string bytes(stat.size, '\0');
    if (zip_source_read(whole_, bytes.data(), bytes.size()) !=
        static_cast<zip_int64_t>(bytes.size())) {
      std::abort();
    }
    zip_source_close(whole_);
    zip_source_free(whole_);
    return bytes;
  }

 private:
  zip_source_t* whole_ = zip_source_buffer_create(nullptr, 0, 0, nullptr);
  zip_t* zip_ = open(whole_);

  static zip_t* open(zip_source_t* source) {
    zip_source_keep(source);
    return zip_open_from_source(source, ZIP_TRUNCATE, nullptr);
  }
};

}  // namespace

/// The input: entries, each the length of its name (a byte), of its content (two bytes), name and
/// content.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace afterglow;
  std::string_view left = fuzz::text_of(data, size);
  const auto take = [&](std::size_t count) {
    const std::string_view part = left.substr(0, count);
    left.remove_prefix(part.size());
    return part;
  };
  Archive archive;
  while (left.size() > 3) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(left[at]); };
    const std::size_t name_length = byte(0), length = byte(1) + (std::size_t{byte(2)} << 8);
    take(3);
    const std::string name(take(name_length));
    archive.add(name, take(length));
  }
  const std::string bytes = archive.close();
  return fuzz::refused_or_read([&] { parse_torch("f", bytes); });
}
