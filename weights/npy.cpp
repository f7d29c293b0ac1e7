#include "weights/npy.hpp"

#include <bit>
#include <cstring>
#include <regex>

#include "base/error.hpp"

namespace afterglow {
namespace {

static_assert(std::endian::native == std::endian::little, ".npy files are read as they lie");

constexpr std::string_view kNpyMagic = "\x93NUMPY";

[[noreturn]] void refuse_npy(const std::string& name, const std::string& problem) {
  throw InputError(name, problem, "give an array saved by numpy.save");
}

template <typename T>
std::vector<float> values_of(std::string_view data, std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, data.data() + i * sizeof value, sizeof value);
    values[i] = static_cast<float>(value);
  }
  return values;
}

/// The extents in "(313, 2)", "(5,)" or "()".
std::vector<std::int64_t> parse_shape(const std::string& text) {
  static const std::regex number("[0-9]{1,18}");
  std::vector<std::int64_t> shape;
  for (std::sregex_iterator at(text.begin(), text.end(), number), end; at != end; ++at) {
    shape.push_back(std::stoll(at->str()));
  }
  return shape;
}

}  // namespace

bool looks_like_npy(std::string_view bytes) { return bytes.starts_with(kNpyMagic); }

RawTensor parse_npy(const std::string& name, std::string_view bytes) {
  // Magic, version, length of the header (2 bytes, from version 2 on 4), header.
  constexpr std::size_t kLongestHeader = 4096;
  if (bytes.size() < 12 || !looks_like_npy(bytes)) refuse_npy(name, "is no .npy file");
  const auto byte = [&](std::size_t at) {
    return std::size_t{static_cast<unsigned char>(bytes[at])};
  };
  const bool is_long = byte(6) > 1;
  const std::size_t start = is_long ? 12 : 10;
  const std::size_t length =
      byte(8) + (byte(9) << 8) + (is_long ? (byte(10) << 16) + (byte(11) << 24) : 0);
  if (length > kLongestHeader || length > bytes.size() - start) refuse_npy(name, "is damaged");
  const std::string header(bytes.substr(start, length));
  const std::string_view data = bytes.substr(start + length);

  static const std::regex form(
      R"(\{'descr': '(<i8|<f4|<f8)', 'fortran_order': False, 'shape': (\([0-9, ]{0,200}\)), \}\s*)");
  std::smatch match;
  if (!std::regex_match(header, match, form)) {
    refuse_npy(name, "is no array of int64, float32 or float64 in C order");
  }
  const std::string type = match[1];
  const std::size_t size = type == "<f4" ? 4 : 8;
  RawTensor tensor{parse_shape(match[2]), {}};
  const std::int64_t count =
      element_count(tensor.shape, static_cast<std::int64_t>(data.size() / size));
  if (count < 0 || static_cast<std::size_t>(count) * size != data.size()) {
    refuse_npy(name, "holds " + std::to_string(data.size()) + " bytes for an array of shape " +
                         shape_text(tensor.shape));
  }
  const auto values = static_cast<std::size_t>(count);
  tensor.values = type == "<i8"   ? values_of<std::int64_t>(data, values)
                  : type == "<f4" ? values_of<float>(data, values)
                                  : values_of<double>(data, values);
  return tensor;
}

}  // namespace afterglow
