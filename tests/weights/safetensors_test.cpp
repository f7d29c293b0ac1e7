#include "weights/safetensors.hpp"

#include <catch2/catch.hpp>
#include <cstring>

#include "base/error.hpp"

namespace afterglow {
namespace {

using Catch::Contains;

/// A file of that header, with so many bytes of values behind it.
std::string file_of(const std::string& header, std::size_t values) {
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header +
         std::string(values, '\0');
}

std::string complaint(const std::string& bytes) {
  try {
    parse_safetensors("f", bytes);
  } catch (const InputError& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("safetensors come back as they were written") {
  Safetensors content;
  content.metadata = {{"a", "b"}, {"quoted", "\"\\\n"}};
  content.tensors["w"] = {{2, 1, 3}, {1, 2, 3, 4, 5, 6}};
  content.tensors["scalar"] = {{}, {7}};
  content.tensors["none"] = {{0, 3}, {}};
  const std::string bytes = safetensors_bytes(content);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  CHECK(length % 8 == 0);
  const Safetensors back = parse_safetensors("f", bytes);
  CHECK(back.metadata == content.metadata);
  REQUIRE(back.tensors.size() == 3);
  for (const auto& [name, tensor] : content.tensors) {
    INFO(name);
    CHECK(back.tensors.at(name).shape == tensor.shape);
    CHECK(back.tensors.at(name).values == tensor.values);
  }
}

TEST_CASE("tensors of other types are passed over") {
  CHECK(parse_safetensors(
            "f", file_of(R"({"n": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}})", 8))
            .tensors.empty());
}

TEST_CASE("damaged safetensors are refused") {
  const auto tensor = [](const std::string& shape, const std::string& offsets) {
    return R"("t)" + shape + offsets + R"(": {"dtype": "F32", "shape": )" + shape +
           R"(, "data_offsets": )" + offsets + "}";
  };
  CHECK_THAT(complaint(""), Contains("no .safetensors file"));
  CHECK_THAT(complaint("\xff\xff\xff\xff\xff\xff\xff\xff"), Contains("no .safetensors file"));
  CHECK_THAT(complaint(file_of("{}", 0).substr(0, 9)), Contains("ends too early"));
  CHECK_THAT(complaint(file_of("words", 0)), Contains("no JSON of this format"));
  CHECK_THAT(complaint(file_of("[]", 0) + "x"), !Contains("damaged"));
  CHECK_THAT(complaint(file_of(R"({"t": 7})", 0)), Contains("no JSON of this format"));
  for (const auto& [shape, offsets] :
       std::vector<std::pair<std::string, std::string>>{{"[2]", "[0, 12]"},
                                                        {"[4]", "[0, 16]"},
                                                        {"[3]", "[4, 16]"},
                                                        {"[3]", "[12, 0]"},
                                                        {"[3]", "[-4, 8]"},
                                                        {"[-3]", "[0, 12]"},
                                                        {"[-1, -3]", "[0, 12]"},
                                                        {"[4294967296, 4294967296]", "[0, 0]"},
                                                        {"[0, 1, 1000000000000, 40]", "[0, 0]"},
                                                        {"[9223372036854775807, 3]", "[0, 12]"}}) {
    INFO(shape << offsets);
    CHECK_THAT(complaint(file_of("{" + tensor(shape, offsets) + "}", 12)),
               Contains("does not fit its values"));
  }
  CHECK_THAT(complaint(file_of(
                 "{" + tensor("[3]", "[0, 12]") + "," + tensor("[3, 1]", "[0, 12]") + "}", 12)),
             Contains("uses values twice"));
}

TEST_CASE("shapes and offsets of safetensors are lists of whole numbers") {
  for (const std::string fields :
       {R"("shape": [1e300], "data_offsets": [0, 4])",
        R"("shape": {"a": 1}, "data_offsets": [0, 4])", R"("shape": 1, "data_offsets": [0, 4])",
        R"("shape": [1], "data_offsets": [0, 4.5])",
        R"("shape": [1], "data_offsets": [-1e300, 4])"}) {
    INFO(fields);
    CHECK_THAT(complaint(file_of(R"({"t": {"dtype": "F32", )" + fields + "}}", 4)),
               Contains("does not fit its values"));
  }
}

TEST_CASE("a header of many names is read in no more time than a few times its length") {
  std::string header = "{";  // each looked for among all before it, this would take a minute
  for (int i = 0; i < 150'000; ++i) header += "\"" + std::to_string(i) + "\":{\"dtype\":\"I8\"},";
  header.back() = '}';
  CHECK(parse_safetensors("f", file_of(header, 0)).tensors.empty());
}

}  // namespace afterglow
