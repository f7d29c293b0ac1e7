#include "fuzz/hdf5_maker.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace afterglow::fuzz {
namespace {

constexpr std::size_t kLargestAttribute = 4096;  // bytes

const std::filesystem::path& file_path() {
  struct File {
    std::filesystem::path path = "/dev/shm/fuzz" + std::to_string(getpid()) + ".h5";
    ~File() { unlink(path.c_str()); }
  };
  static const File file;
  return file.path;
}

hid_t text_type(std::size_t size) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, size);
  return type;
}

void write_attribute(hid_t object, const std::string& name, hid_t type, hid_t space,
                     const void* values) {
  const hid_t attribute = H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT);
  if (attribute >= 0) {
    if (values != nullptr) H5Awrite(attribute, type, values);
    H5Aclose(attribute);
  }
  H5Sclose(space);
}

}  // namespace

Hdf5Maker::Hdf5Maker(Choices& choices) : choices_(choices) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5set_free_list_limits(-1, -1, -1, -1, -1, -1);  // a file's caches are large, and made each time
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_core(access, 1 << 14, /*backing_store=*/1);
  file_ = H5Fcreate(file_path().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
  H5Pclose(access);
  if (file_ < 0) std::abort();
}

Hdf5Maker::~Hdf5Maker() {
  if (file_ >= 0) H5Fclose(file_);
}

const std::filesystem::path& Hdf5Maker::close() {
  if (H5Fclose(file_) < 0) std::abort();
  file_ = -1;
  return file_path();
}

hid_t Hdf5Maker::any_type() {
  const hid_t numbers[] = {H5T_NATIVE_INT8,   H5T_NATIVE_UINT8,  H5T_STD_I16BE,
                           H5T_NATIVE_INT64,  H5T_NATIVE_UINT64, H5T_NATIVE_FLOAT,
                           H5T_NATIVE_DOUBLE, H5T_IEEE_F64BE,    H5T_NATIVE_LDOUBLE,
                           H5T_STD_REF_OBJ,   H5T_NATIVE_B64,    H5T_UNIX_D32LE};
  const std::uint8_t choice = choices_.byte();
  if (choice < std::size(numbers)) return H5Tcopy(numbers[choice]);
  switch (choice % 6) {
    case 0:
      return text_type(H5T_VARIABLE);
    case 1:
      return text_type(std::size_t{1} + choices_.byte());
    case 2:
      return H5Tvlen_create(H5T_NATIVE_INT);
    case 3: {
      const hsize_t extent = 3;
      return H5Tarray_create2(H5T_NATIVE_FLOAT, 1, &extent);
    }
    case 4: {
      const hid_t type = H5Tcreate(H5T_COMPOUND, 8);
      H5Tinsert(type, "a", 0, H5T_NATIVE_INT);
      H5Tinsert(type, "b", 4, H5T_NATIVE_FLOAT);
      return type;
    }
    default:
      return H5Tenum_create(H5T_NATIVE_INT8);
  }
}

hid_t Hdf5Maker::any_space(bool small) {
  const std::uint8_t rank = choices_.byte() % 8;
  if (rank == 6) return H5Screate(H5S_NULL);
  if (rank == 0 || rank == 7) return H5Screate(H5S_SCALAR);
  hsize_t extents[8];
  for (int axis = 0; axis < rank; ++axis) {
    extents[axis] = small ? choices_.byte() % 5U : choices_.number() >> (choices_.byte() % 64);
  }
  return H5Screate_simple(rank, extents, nullptr);
}

/// Takes a choice; true when it made something else of the attribute than it should be.
bool Hdf5Maker::changed_attribute(hid_t object, const std::string& name) {
  const std::uint8_t choice = choices_.byte();
  if (choice == 0) return false;
  if (choice == 1) return true;  // missing
  if (choice % 4 == 2) {
    const std::string value = choices_.text();
    const hid_t type = text_type(std::max<std::size_t>(value.size(), 1));
    write_attribute(object, name, type, H5Screate(H5S_SCALAR), value.c_str());
    H5Tclose(type);
  } else if (choice % 4 == 3) {
    const std::uint64_t value = choices_.number();
    write_attribute(object, name, choice < 128 ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE,
                    H5Screate(H5S_SCALAR), &value);
  } else {
    const hid_t type = any_type();
    const hid_t space = any_space(true);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    const std::size_t bytes =
        count < 0 || type < 0 ? 0 : static_cast<std::size_t>(count) * H5Tget_size(type);
    std::vector<char> values(std::min(bytes, kLargestAttribute), choices_.byte() % 2 ? 'x' : '\0');
    // Values of variable length are pointers: those stay unwritten.
    const bool plain = type >= 0 && H5Tdetect_class(type, H5T_VLEN) == 0 &&
                       H5Tis_variable_str(type) <= 0 && bytes <= kLargestAttribute;
    write_attribute(object, name, type, space, plain ? values.data() : nullptr);
    if (type >= 0) H5Tclose(type);
  }
  return true;
}

void Hdf5Maker::attribute(hid_t object, const std::string& name, const std::string& value) {
  if (changed_attribute(object, name)) return;
  const hid_t type = text_type(std::max<std::size_t>(value.size(), 1));
  write_attribute(object, name, type, H5Screate(H5S_SCALAR), value.c_str());
  H5Tclose(type);
}

void Hdf5Maker::attribute(hid_t object, const std::string& name, std::int64_t value) {
  if (changed_attribute(object, name)) return;
  write_attribute(object, name, H5T_NATIVE_INT64, H5Screate(H5S_SCALAR), &value);
}

void Hdf5Maker::attribute(hid_t object, const std::string& name, double value) {
  if (changed_attribute(object, name)) return;
  write_attribute(object, name, H5T_NATIVE_DOUBLE, H5Screate(H5S_SCALAR), &value);
}

/// Something of that name that is a link: to nowhere, to a group around it, or to another file.
bool Hdf5Maker::link(hid_t parent, const std::string& name, std::uint8_t choice) {
  switch (choice) {
    case 2:
      H5Lcreate_soft("/nowhere", parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
      return true;
    case 3:
      H5Lcreate_soft("/", parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
      return true;
    case 4:
      H5Lcreate_hard(file_, "/", parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
      return true;
    case 5:
      H5Lcreate_external("/dev/shm/other.h5", "/", parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
      return true;
    default:
      return false;
  }
}

void Hdf5Maker::group(hid_t parent, const std::string& name,
                      const std::function<void(hid_t)>& fill) {
  const std::uint8_t choice = choices_.byte();
  if (choice == 1 || link(parent, name, choice)) return;
  if (choice == 6) return dataset(parent, name, {2}, H5T_NATIVE_FLOAT);
  const hid_t group = H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (group < 0) return;  // not a name, or taken
  fill(group);
  H5Gclose(group);
}

void Hdf5Maker::dataset(hid_t group, const std::string& name,
                        const std::vector<std::uint64_t>& shape, hid_t type) {
  const std::uint8_t choice = choices_.byte();
  if (choice == 1 || link(group, name, choice)) return;
  if (choice == 6) return this->group(group, name, [](hid_t) {});
  const hid_t own = choice % 4 == 3 ? any_type() : H5Tcopy(type);
  const std::vector<hsize_t> extents(shape.begin(), shape.end());
  hid_t space = -1;
  if (choice > 6 && choice % 4 != 3) {
    space = any_space(choice % 8 == 0);
  } else if (extents.empty()) {
    space = H5Screate(H5S_SCALAR);
  } else {
    space = H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr);
  }
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  if (choice % 16 == 13) {  // its values are those of another file
    H5Pset_external(properties, "/proc/self/maps", 0, H5F_UNLIMITED);
  }
  // No values are written: those that are read are all 0.
  const hid_t made =
      H5Dcreate2(group, name.c_str(), own, space, H5P_DEFAULT, properties, H5P_DEFAULT);
  if (made >= 0) H5Dclose(made);
  H5Pclose(properties);
  if (space >= 0) H5Sclose(space);
  if (own >= 0) H5Tclose(own);
}

}  // namespace afterglow::fuzz
