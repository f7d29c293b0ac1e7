#include "weights/safetensors.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/error.hpp"

namespace afterglow {
namespace {

using Json = nlohmann::json;  // what is read, from whatever file

static_assert(std::endian::native == std::endian::little, "the format's order of bytes");

constexpr std::uint64_t kLongestHeader = std::uint64_t{1} << 22;
constexpr const char* kMetadata = "__metadata__";
constexpr const char* kOffsets = "data_offsets";

class Parser {
 public:
  Parser(const std::string& name, std::string_view bytes) : name_(name), bytes_(bytes) {}

  Safetensors parse() const {
    std::uint64_t length = 0;
    if (bytes_.size() < sizeof length) damaged("is no .safetensors file");
    std::memcpy(&length, bytes_.data(), sizeof length);
    if (length > kLongestHeader || length > bytes_.size() - sizeof length) {
      damaged("is no .safetensors file, or ends too early");
    }
    const std::string_view header = bytes_.substr(sizeof length, length);
    const std::string_view values = bytes_.substr(sizeof length + length);
    Safetensors result;
    try {
      const Json json = Json::parse(header);
      std::uint64_t used = 0;
      for (const auto& [key, value] : json.items()) {
        if (key == kMetadata) {
          result.metadata = value.get<std::map<std::string, std::string>>();
        } else if (value.at("dtype").get<std::string>() == "F32") {
          RawTensor tensor = tensor_of(key, value, values);
          used += tensor.values.size() * sizeof(float);
          // Values used twice could make any amount of memory of a small file.
          if (used > values.size()) damaged("uses values twice");
          result.tensors[key] = std::move(tensor);
        }
      }
    } catch (const Json::exception&) {
      damaged("has a header that is no JSON of this format");
    }
    return result;
  }

 private:
  [[noreturn]] void damaged(const std::string& problem) const {
    throw InputError(name_, problem, "export or get it again");
  }

  [[noreturn]] void does_not_fit(const std::string& key) const {
    damaged("its tensor " + key + " does not fit its values");
  }

  RawTensor tensor_of(const std::string& key, const Json& entry, std::string_view values) const {
    RawTensor tensor;
    const auto whole = [&](const Json& number) {
      if (!number.is_number_integer()) does_not_fit(key);
      return number.get<std::int64_t>();
    };
    if (!entry.at("shape").is_array()) does_not_fit(key);
    for (const Json& extent : entry.at("shape")) tensor.shape.push_back(whole(extent));
    const Json& offsets = entry.at(kOffsets);
    const auto from = static_cast<std::uint64_t>(whole(offsets.at(0))),
               to = static_cast<std::uint64_t>(whole(offsets.at(1)));
    const std::int64_t count =
        element_count(tensor.shape, static_cast<std::int64_t>(values.size() / sizeof(float)));
    if (to < from || to > values.size() || count < 0 ||
        to - from != static_cast<std::uint64_t>(count) * sizeof(float)) {
      does_not_fit(key);
    }
    tensor.values.resize(static_cast<std::size_t>(count));
    if (count > 0) std::memcpy(tensor.values.data(), values.data() + from, to - from);
    return tensor;
  }

  const std::string& name_;
  std::string_view bytes_;
};

}  // namespace

bool looks_like_safetensors(const std::filesystem::path& path) {
  if (path.extension() == ".safetensors") return true;
  std::array<char, sizeof(std::uint64_t) + 1> start{};  // the header's length, and its first byte
  std::ifstream file(path, std::ios::binary);
  if (!file.read(start.data(), start.size()) || start.back() != '{') return false;
  std::uint64_t length = 0;
  std::memcpy(&length, start.data(), sizeof length);
  std::error_code unknown;
  const std::uintmax_t bytes = std::filesystem::file_size(path, unknown);
  return !unknown && length <= bytes - sizeof length;
}

Safetensors parse_safetensors(const std::string& name, std::string_view bytes) {
  return Parser(name, bytes).parse();
}

std::string safetensors_bytes(const Safetensors& content) {
  nlohmann::ordered_json header;
  header[kMetadata] = content.metadata;
  std::uint64_t at = 0;
  for (const auto& [name, tensor] : content.tensors) {
    const std::uint64_t end = at + tensor.values.size() * sizeof(float);
    header[name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {kOffsets, {at, end}}};
    at = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the values stay aligned
  const std::uint64_t length = text.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof length);
  bytes += text;
  bytes.reserve(bytes.size() + at);
  for (const auto& [name, tensor] : content.tensors) {
    bytes.append(reinterpret_cast<const char*>(tensor.values.data()),
                 tensor.values.size() * sizeof(float));
  }
  return bytes;
}

}  // namespace afterglow
