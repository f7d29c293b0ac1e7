#include "weights/caffemodel.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "support/weights/eccv16_files.hpp"

namespace afterglow {
namespace {

std::string complaint(const std::string& bytes) {
  try {
    parse_caffemodel("f", bytes);
  } catch (const InputError& e) {
    return e.what();
  }
  return "";
}

const RawTensors kTensors{
    {"a/0", {{2, 1, 1, 3}, {1, 2, 3, 4, 5, 6}}}, {"a/1", {{2}, {7, 8}}}, {"b/0", {{1}, {9}}}};

/// Field `number`, of length-delimited type.
std::string field(int number, const std::string& content) {
  std::string bytes;
  const auto varint = [&](std::size_t value) {
    for (; value > 127; value >>= 7) bytes += static_cast<char>(value | 128);
    bytes += static_cast<char>(value);
  };
  varint(static_cast<std::size_t>(number) << 3 | 2);
  varint(content.size());
  return bytes + content;
}

}  // namespace

TEST_CASE("layers of both generations give the same values") {
  for (const auto form : {test::CaffeForm::kV1, test::CaffeForm::kV2}) {
    const RawTensors read = parse_caffemodel("f", test::caffemodel_bytes(kTensors, form));
    REQUIRE(read.size() == kTensors.size());
    for (const auto& [name, tensor] : kTensors) CHECK(read.at(name).values == tensor.values);
  }
}

TEST_CASE("a damaged caffemodel is refused") {
  const std::string bytes = test::caffemodel_bytes(kTensors);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 0xff);
    complaint(flipped);  // refused or not, nothing else may happen
  }
  CHECK_FALSE(complaint(bytes.substr(0, bytes.size() - 1)).empty());
  CHECK_FALSE(complaint(std::string(64, '\xff')).empty());
  CHECK_FALSE(complaint(bytes + bytes).empty());  // two layers of one name
}

TEST_CASE("a small caffemodel cannot make many messages or long shapes") {
  CHECK_FALSE(
      complaint(field(100, field(7, field(7, field(1, std::string(200, '\x01')))))).empty());
  std::string layers;
  for (int i = 0; i < (1 << 16) + 1; ++i) layers += field(100, "");
  CHECK_FALSE(complaint(layers).empty());
}

TEST_CASE("a long name in a caffemodel is not repeated for each blob") {
  const std::string blob = field(7, field(5, std::string(4, '\0')) + field(7, field(1, "\x01")));
  CHECK(complaint(field(100, field(1, "name") + blob + blob)).empty());
  CHECK_FALSE(complaint(field(100, field(1, std::string(2000, 'n')) + blob + blob)).empty());
}

}  // namespace afterglow
