// Files of tensors that are damaged, or want to be more than tensors.
#include "weights/torch_file.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "base/input_file.hpp"
#include "support/weights/eccv16_files.hpp"

namespace afterglow {
namespace {

using Catch::Contains;

std::string complaint(const std::string& bytes) {
  try {
    parse_torch("f", bytes);
  } catch (const InputError& e) {
    return e.what();
  }
  return "";
}

std::string stored(const std::string& name) {
  return read_file(std::string(AFTERGLOW_TEST_DATA) + "/" + name, kLargestWeightsFile, "a file");
}

/// The file with the only occurrence of `from` made `to`, as long.
std::string with(std::string bytes, const std::string& from, const std::string& to) {
  const std::size_t at = bytes.find(from);
  REQUIRE(at != std::string::npos);
  REQUIRE(from.size() == to.size());
  return bytes.replace(at, from.size(), to);
}

/// The four pickles of a legacy file whose third is `state`, and no storages.
std::string legacy_of(const std::string& state) {
  const std::string magic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
  return magic + "\x80\x02M\xe9\x03." + "\x80\x02}." + "\x80\x02" + state + "." + "\x80\x02].";
}

}  // namespace

TEST_CASE("both forms of a file hold the same tensors") {
  const RawTensors zip = parse_torch("f", stored("small.pth"));
  const RawTensors legacy = parse_torch("f", stored("small_legacy.pth"));
  REQUIRE(zip.size() == legacy.size());
  REQUIRE_FALSE(zip.empty());
  for (const auto& [name, tensor] : zip) {
    CHECK(legacy.at(name).shape == tensor.shape);
    CHECK(legacy.at(name).values == tensor.values);
  }
}

TEST_CASE("a file that is cut off anywhere is refused") {
  for (const char* name : {"small.pth", "small_legacy.pth"}) {
    const std::string bytes = stored(name);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      CAPTURE(name, length);
      REQUIRE_FALSE(complaint(bytes.substr(0, length)).empty());
    }
  }
}

TEST_CASE("no call is made that a pickle names") {
  // What pickle.loads would turn into os.system("false").
  const std::string call = "cposix\nsystem\n(X\x05" + std::string(3, '\0') + "falsetR";
  CHECK_THAT(complaint(legacy_of(call)), Contains("no state_dict"));
  CHECK_THAT(complaint(legacy_of("}X\x01" + std::string(3, '\0') + "w" + call + "s")),
             Contains("its w is no tensor"));
}

TEST_CASE("a damaged pickle is refused") {
  for (const std::string state : {"", "u", "(", "t", "R", "s", "h\x07", "}h\x07", "NNs", "}N)u",
                                  "X\xff\xff\xff\xff", "\x8b\xff\xff\xff\xff", "cmodule", "Q",
                                  "\x93", "NN\x93", "I1\n", "iposix\nsystem\n", "\xff"}) {
    CAPTURE(state);
    CHECK_FALSE(complaint(legacy_of(state)).empty());
  }
  CHECK_THAT(complaint("\x80\x01."), Contains("protocol 1"));
  CHECK_THAT(complaint("\x80\x02" + std::string(1 << 21, 'N')), Contains("longer than that"));
  // A dictionary that holds itself.
  const std::string self = "}q\x01X\x01" + std::string(3, '\0') + "wh\x01s";
  CHECK_FALSE(complaint(legacy_of(self)).empty());
}

TEST_CASE("a tensor outside of its storage is refused") {
  RawTensors tensors;
  tensors["w"] = {{2, 3}, {1, 2, 3, 4, 5, 6}};
  const std::string bytes = test::legacy_torch_bytes(tensors);
  CHECK(complaint(bytes).empty());
  const auto integer = [](std::int32_t value) {
    return "J" + std::string(reinterpret_cast<const char*>(&value), sizeof value);
  };
  const std::string shape = "(" + integer(2) + integer(3) + "t";
  for (const std::string& other :
       {"(" + integer(3) + integer(3) + "t", "(" + integer(-2) + integer(-3) + "t",
        "(" + integer(2147483647) + integer(2147483647) + "t"}) {
    CHECK_FALSE(complaint(with(bytes, shape, other)).empty());
  }
  const std::string strides = "(" + integer(3) + integer(1) + "t";
  for (const std::string& other :
       {"(" + integer(4) + integer(1) + "t", "(" + integer(-3) + integer(1) + "t",
        "(" + integer(3) + integer(2147483647) + "t"}) {
    CHECK_FALSE(complaint(with(bytes, strides, other)).empty());
  }
}

TEST_CASE("a zip archive that is no file of tensors is refused") {
  CHECK_THAT(complaint("PK\x03\x04"), Contains("no whole zip archive"));
  const std::string bytes = stored("small.pth");
  std::string renamed = bytes;
  for (std::size_t at = 0; (at = renamed.find("data.pkl", at)) != std::string::npos; ++at) {
    renamed.replace(at, 8, "data.xyz");
  }
  CHECK_THAT(complaint(renamed), Contains("without a data.pkl"));
  // Every byte of the values counts: a zip archive has check sums.
  std::string flipped = bytes;
  flipped[bytes.find("/data/0") + 200] ^= 1;
  CHECK_THAT(complaint(flipped), Contains("damaged"));
}

}  // namespace afterglow
