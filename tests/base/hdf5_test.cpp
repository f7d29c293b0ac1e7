#include "base/hdf5.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <numeric>
#include <sstream>

#include "base/error.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

std::string bytes(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// The message of the InputError that `body` must throw.
template <typename Body>
std::string input_error(const Body& body) {
  try {
    body();
  } catch (const InputError& error) {
    return error.what();
  }
  FAIL("no InputError was thrown");
  return {};
}

void write_example(const fs::path& path) {
  hdf5::File file = hdf5::File::create(path);
  const std::vector<float> values{1.5F, -2, 3, 4, 5, 6};
  const std::uint64_t shape[] = {2, 3};
  hdf5::Group group = file.create_group("a/b");
  group.write<float>("numbers", shape, values);
  file.write_attribute("a/b/numbers", "unit", std::string("pixels"));
  file.write_attribute("a", "names", std::vector<std::string>{"kernel:0", "a longer name", ""});
  file.write_attribute(".", "version", std::int64_t{7});
  file.write_attribute(".", "rate", 29.97);
}

}  // namespace

TEST_CASE("HDF5 values, shapes and attributes come back") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "x.h5";
  write_example(path);
  const hdf5::File file = hdf5::File::open(path);
  CHECK(file.contains("a/b/numbers"));
  CHECK_FALSE(file.contains("a/c/numbers"));
  CHECK(file.is_group("a/b"));
  CHECK_FALSE(file.is_group("a/b/numbers"));
  CHECK(file.is_dataset("a/b/numbers"));
  const hdf5::DatasetInfo info = file.dataset_info("a/b/numbers");
  CHECK(info.shape == std::vector<std::uint64_t>{2, 3});
  CHECK(info.element == hdf5::DatasetInfo::Element::kFloat);
  CHECK(info.element_size == 4);
  CHECK(file.read<float>("a/b/numbers") == std::vector<float>{1.5F, -2, 3, 4, 5, 6});
  CHECK(file.open_group("a").read<double>("b/numbers").at(1) == -2.0);
  CHECK(file.read_string("a/b/numbers", "unit") == "pixels");
  CHECK(file.read_strings("a", "names") ==
        std::vector<std::string>{"kernel:0", "a longer name", ""});
  CHECK(file.read_integer(".", "version") == 7);
  CHECK(file.read_number(".", "rate") == 29.97);
  CHECK_FALSE(file.has_attribute(".", "none"));
}

TEST_CASE("HDF5 rows are appended and read in parts") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "x.h5";
  std::vector<std::uint8_t> values(5 * 12);
  std::iota(values.begin(), values.end(), std::uint8_t{0});
  {
    hdf5::File file = hdf5::File::create(path);
    const std::uint64_t row[] = {4, 3};
    file.create_rows<std::uint8_t>("frames", row, 4);
    file.append_rows<std::uint8_t>("frames", std::span(values).first(24));
    file.append_rows<std::uint8_t>("frames", std::span(values).subspan(24));
  }
  const hdf5::File file = hdf5::File::open(path);
  CHECK(file.dataset_info("frames").shape == std::vector<std::uint64_t>{5, 4, 3});
  std::vector<std::uint8_t> middle(24);
  file.read_rows<std::uint8_t>("frames", 1, 2, middle);
  CHECK(std::equal(middle.begin(), middle.end(), values.begin() + 12));
  CHECK_THROWS_AS(file.read_rows<std::uint8_t>("frames", 4, 2, middle), InputError);
  std::vector<std::uint8_t> wrong(23);
  CHECK_THROWS_AS(file.read_rows<std::uint8_t>("frames", 0, 2, wrong), InputError);
}

TEST_CASE("HDF5 members keep the order in which they were made, and can be taken out") {
  const TemporaryFolder folder;
  hdf5::File file = hdf5::File::create(folder.path() / "x.h5");
  for (const char* name : {"zebra", "apple", "mango"}) file.create_group(name);
  CHECK(file.names() == std::vector<std::string>{"zebra", "apple", "mango"});
  file.remove("apple");
  CHECK(file.names() == std::vector<std::string>{"zebra", "mango"});
}

TEST_CASE("the same content gives the same bytes") {
  const TemporaryFolder folder;
  write_example(folder.path() / "1.h5");
  write_example(folder.path() / "2.h5");
  CHECK(bytes(folder.path() / "1.h5") == bytes(folder.path() / "2.h5"));
}

TEST_CASE("what h5py writes is read") {
  const hdf5::File file = hdf5::File::open(fs::path(AFTERGLOW_TEST_DATA) / "h5py.h5");
  CHECK(file.read_string(".", "variable") == "one t\u00EBxt");
  CHECK(file.read_strings(".", "variable_list") ==
        std::vector<std::string>{"kernel:0", "", "a longer name"});
  CHECK(file.read_string(".", "fixed") == "keras");
  CHECK(file.read_strings(".", "fixed_list") ==
        std::vector<std::string>{"kernel:0", "a longer name"});
  CHECK(file.read_number(".", "float_number") == 1.5);
  CHECK(file.read_integer(".", "small_integer") == 200);
  CHECK(file.read<std::int64_t>("big_endian") == std::vector<std::int64_t>{1, -2, 3});
  CHECK(file.read<float>("double") == std::vector<float>{1.5F, -2.5F});
  CHECK(file.read<float>("half") == std::vector<float>{0, 1, 2, 3, 4, 5});
  CHECK(file.dataset_info("scalar").shape.empty());
  CHECK(file.read<std::int64_t>("scalar") == std::vector<std::int64_t>{7});
  using Catch::Contains;
  CHECK_THAT(input_error([&] { file.read_string(".", "fixed_list"); }), Contains("not one text"));
  CHECK_THAT(input_error([&] { file.read_strings(".", "fixed_list", 1); }),
             Contains("not one text"));
  CHECK_THAT(input_error([&] { file.read<float>("text"); }), Contains("not hold numbers"));
  CHECK_THAT(input_error([&] { file.read<float>("huge"); }), Contains("too large"));
}

TEST_CASE("every unusable HDF5 file gets its own line") {
  const TemporaryFolder folder;
  const fs::path good = folder.path() / "good.h5";
  write_example(good);
  const auto open = [](const fs::path& path) {
    return input_error([&] { hdf5::File::open(path); });
  };
  using Catch::Contains;
  const fs::path path = folder.path() / "bad.h5";
  CHECK_THAT(open(path), Contains("bad.h5") && Contains("no such file"));
  CHECK_THAT(open(folder.path()), Contains("is not a file"));
  std::ofstream(path).close();
  CHECK_THAT(open(path), Contains("is empty"));
  std::ofstream(path) << "just text";
  CHECK_THAT(open(path), Contains("not an HDF5 file"));
  const std::string whole = bytes(good);
  std::ofstream(path, std::ios::binary) << whole.substr(0, whole.size() / 2);
  CHECK_THAT(open(path), Contains("truncated"));

  const hdf5::File file = hdf5::File::open(good);
  CHECK_THAT(input_error([&] { file.read<float>("none"); }),
             Contains("none") && Contains("missing"));
  CHECK_THAT(input_error([&] { file.read<float>("a"); }), Contains("not a dataset"));
  CHECK_THAT(input_error([&] { file.read_string(".", "none"); }), Contains("none"));
  CHECK_THAT(input_error([&] { file.read_string(".", "version"); }), Contains("not text"));
  CHECK_THAT(input_error([&] { file.open_group("a/b/numbers"); }), Contains("not a group"));
}

}  // namespace afterglow
