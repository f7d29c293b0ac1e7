// Files that want to hurt their reader. The links and storages are made by libhdf5 itself, as
// anyone can.
#include "weights/foreign_hdf5.hpp"

#include <hdf5.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "base/error.hpp"
#include "base/hdf5.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

using Catch::Contains;
namespace fs = std::filesystem;

/// An HDF5 file under construction.
class Maker {
 public:
  explicit Maker(const fs::path& path)
      : file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {
    REQUIRE(file_ >= 0);
  }
  ~Maker() { H5Fclose(file_); }
  Maker(const Maker&) = delete;
  Maker& operator=(const Maker&) = delete;
  hid_t id() const { return file_; }

  void group(const std::string& path) const {
    H5Gclose(H5Gcreate2(file_, path.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  }
  /// A dataset of so many bytes, made with the properties.
  void bytes(const std::string& path, hsize_t count, hid_t properties) const {
    const hid_t space = H5Screate_simple(1, &count, nullptr);
    const hid_t dataset =
        H5Dcreate2(file_, path.c_str(), H5T_STD_U8LE, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    CHECK(dataset >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
  }

 private:
  hid_t file_;
};

std::string complaint(const fs::path& path) {
  try {
    read_foreign_hdf5(path);
  } catch (const InputError& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("datasets, texts and lists of names are read") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "f.h5";
  {
    hdf5::File file = hdf5::File::create(path);
    file.write_attribute(".", "model_config", std::string("{}"));
    hdf5::Group group = file.create_group("a/b");
    group.write_attribute(".", "weight_names", std::vector<std::string>{"x", "y/z"});
    const std::vector<std::uint64_t> shape{2, 3};
    group.write<float>("w", shape, std::vector<float>{1, 2, 3, 4, 5, 6});
    const std::int64_t steps = 7;
    file.write<std::int64_t>("steps", {}, {&steps, 1});
  }
  const ForeignHdf5 file = read_foreign_hdf5(path);
  CHECK(file.texts.at("model_config") == "{}");
  CHECK(file.lists.at("a/b@weight_names") == std::vector<std::string>{"x", "y/z"});
  CHECK(file.tensors.at("a/b/w").shape == std::vector<std::int64_t>{2, 3});
  CHECK(file.tensors.at("a/b/w").values == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK(file.tensors.at("steps").values == std::vector<float>{7});
  CHECK(file.tensors.size() == 2);

  const ForeignHdf5 texts = read_foreign_hdf5(path, Hdf5Part::kTexts);
  CHECK(texts.texts.size() == 1);
  CHECK(texts.tensors.empty());
}

TEST_CASE("what is no HDF5 file is refused") {
  const TemporaryFolder folder;
  CHECK_THAT(complaint(folder.path() / "none.h5"), Contains("none.h5"));
  std::ofstream(folder.path() / "text.h5") << "words";
  CHECK_THAT(complaint(folder.path() / "text.h5"), Contains("not an HDF5 file"));
}

TEST_CASE("groups in circles, or deeper than any model, are refused") {
  const TemporaryFolder folder;
  const fs::path circle = folder.path() / "circle.h5", deep = folder.path() / "deep.h5";
  {
    const Maker file(circle);
    file.group("/a");
    H5Lcreate_hard(file.id(), "/", file.id(), "/a/again", H5P_DEFAULT, H5P_DEFAULT);
  }
  CHECK_THAT(complaint(circle), Contains("nested deeper than any model"));
  {
    const Maker file(deep);
    std::string path;
    for (int i = 0; i < 20; ++i) file.group(path += "/g");
  }
  CHECK_THAT(complaint(deep), Contains("nested deeper than any model"));
}

TEST_CASE("no other file is opened, whatever a file says") {
  const TemporaryFolder folder;
  const fs::path secret = folder.path() / "secret.h5", linked = folder.path() / "linked.h5",
                 stored = folder.path() / "stored.h5", plain = folder.path() / "secret.txt";
  {
    hdf5::File file = hdf5::File::create(secret);
    const float value = 42;
    file.write<float>("w", {}, {&value, 1});
  }
  {
    const Maker file(linked);
    H5Lcreate_external(secret.c_str(), "/", file.id(), "/there", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external(secret.c_str(), "/w", file.id(), "/value", H5P_DEFAULT, H5P_DEFAULT);
  }
  // Such links are as good as not there.
  CHECK(read_foreign_hdf5(linked).tensors.empty());

  std::ofstream(plain) << "password";
  {
    const Maker file(stored);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(properties, plain.c_str(), 0, 8);
    file.bytes("/w", 8, properties);
    H5Pclose(properties);
  }
  CHECK_THAT(complaint(stored), Contains("cannot be read"));
}

TEST_CASE("what a file keeps in another file is not read as its own") {
  const TemporaryFolder folder;
  const fs::path secret = folder.path() / "secret.h5", linked = folder.path() / "linked.h5",
                 plain = folder.path() / "secret.txt";
  hdf5::File::create(secret).create_group("there");
  std::ofstream(plain) << "password";
  {
    const Maker file(linked);
    H5Lcreate_external(secret.c_str(), "/there", file.id(), "/external", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/", file.id(), "/soft", H5P_DEFAULT, H5P_DEFAULT);
    file.group("/own");
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(properties, plain.c_str(), 0, 8);
    file.bytes("/values", 8, properties);
    H5Pclose(properties);
  }
  // In this process: dataset and model files are read so.
  const hdf5::File file = hdf5::File::open(linked);
  CHECK(file.is_group("own"));
  CHECK_FALSE(file.contains("external"));
  CHECK_FALSE(file.contains("soft/own"));
  CHECK_THROWS_WITH(file.dataset_info("values"), Contains("in another file"));
  CHECK_THROWS_AS(file.read<std::uint8_t>("values"), InputError);
}

TEST_CASE("a small file cannot ask for much memory") {
  const TemporaryFolder folder;
  const fs::path huge = folder.path() / "huge.h5", many = folder.path() / "many.h5";
  {
    const Maker file(huge);
    file.bytes("/w", hsize_t{1} << 40, H5P_DEFAULT);
  }
  CHECK_THAT(complaint(huge), Contains("more numbers than any model"));
  {
    const Maker file(many);  // each of them would do
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 1 << 20;
    H5Pset_chunk(properties, 1, &chunk);
    for (int i = 0; i < 17; ++i) file.bytes("/w" + std::to_string(i), 1 << 24, properties);
    H5Pclose(properties);
  }
  CHECK_THAT(complaint(many), Contains("more numbers than any model"));
}

}  // namespace afterglow
