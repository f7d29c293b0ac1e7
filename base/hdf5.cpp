#include "base/hdf5.hpp"

#include <hdf5.h>

// Batches are read on their own thread while checkpoints are written.
#ifndef H5_HAVE_THREADSAFE
#error "afterglow needs an HDF5 library that was built thread-safe (Debian's libhdf5-dev is)"
#endif

#include <algorithm>
#include <fstream>
#include <type_traits>
#include <utility>

#include "base/error.hpp"

namespace afterglow::hdf5 {

static_assert(std::is_same_v<hid_t, Id> || sizeof(hid_t) == sizeof(Id));

namespace {

/// The library prints its error stack by default; our exceptions say what matters in one line.
void silence() {
  // At exit the library would once more write what did not fit on the disk, and crash. Handles
  // close everything before.
  [[maybe_unused]] static const herr_t no_exit_handler = H5dont_atexit();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

[[noreturn]] void refuse(const std::string& file, const std::string& where, const char* problem) {
  throw InputError(file, where + " " + problem, "make or download the file again");
}

[[noreturn]] void fail(const std::string& file, const std::string& where) {
  throw DiskFull(file + ": " + where + " cannot be written; is the disk full?");
}

Handle checked(Id id, const std::string& file, const std::string& where, const char* problem) {
  if (id < 0) refuse(file, where, problem);
  return Handle(id);
}

Handle written(Id id, const std::string& file, const std::string& where) {
  if (id < 0) fail(file, where);
  return Handle(id);
}

template <typename T>
Id native_type() {
  if constexpr (std::is_same_v<T, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::is_same_v<T, double>) return H5T_NATIVE_DOUBLE;
  if constexpr (std::is_same_v<T, std::uint8_t>) return H5T_NATIVE_UINT8;
  if constexpr (std::is_same_v<T, std::int64_t>) return H5T_NATIVE_INT64;
  if constexpr (std::is_same_v<T, std::uint64_t>) return H5T_NATIVE_UINT64;
}

std::vector<std::uint64_t> extents(Id space, const std::string& file, const std::string& where) {
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0) refuse(file, where, "has no simple shape");
  std::vector<hsize_t> dimensions(static_cast<std::size_t>(rank));
  if (rank > 0) H5Sget_simple_extent_dims(space, dimensions.data(), nullptr);
  return {dimensions.begin(), dimensions.end()};
}

/// The count of elements, refused before anything is allocated when it is absurd.
std::uint64_t element_count(const std::vector<std::uint64_t>& shape, std::uint64_t element_size,
                            const std::string& file, const std::string& where,
                            std::uint64_t largest = kLargestDataset) {
  std::uint64_t count = 1;
  const std::uint64_t limit = largest / std::max<std::uint64_t>(element_size, 1);
  for (const std::uint64_t extent : shape) {
    if (extent != 0 && count > limit / extent) refuse(file, where, "is too large");
    count *= extent;
  }
  return count;
}

Handle string_type(std::size_t size) {
  Handle type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), size);
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

/// False for a dataset whose values are those of other files.
bool holds_its_values(Id dataset) {
  const Handle properties(H5Dget_create_plist(dataset));
  return properties.get() >= 0 && H5Pget_layout(properties.get()) != H5D_VIRTUAL &&
         H5Pget_external_count(properties.get()) == 0;
}

herr_t collect_name(hid_t, const char* name, const H5L_info_t*, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

Handle creation_ordered(Id property_class) {
  Handle properties(H5Pcreate(property_class));
  H5Pset_link_creation_order(properties.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  // No times inside the file: the same content gives the same bytes.
  H5Pset_obj_track_times(properties.get(), 0);
  return properties;
}

}  // namespace

Handle& Handle::operator=(Handle&& other) noexcept {
  std::swap(id_, other.id_);
  return *this;
}

Handle::~Handle() {
  if (id_ < 0) return;
  switch (H5Iget_type(id_)) {
    case H5I_FILE:
      H5Fclose(id_);
      break;
    case H5I_GROUP:
      H5Gclose(id_);
      break;
    case H5I_DATASET:
      H5Dclose(id_);
      break;
    case H5I_DATASPACE:
      H5Sclose(id_);
      break;
    case H5I_DATATYPE:
      H5Tclose(id_);
      break;
    case H5I_ATTR:
      H5Aclose(id_);
      break;
    default:
      H5Pclose(id_);  // property lists
  }
}

bool Group::contains(const std::string& path) const {
  if (path == ".") return true;
  const auto is_member = [&](const std::string& part) {
    H5L_info_t link;
    return H5Lexists(id_.get(), part.c_str(), H5P_DEFAULT) > 0 &&
           H5Lget_info(id_.get(), part.c_str(), &link, H5P_DEFAULT) >= 0 &&
           link.type == H5L_TYPE_HARD;
  };
  for (std::size_t end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1)) {
    if (!is_member(path.substr(0, end))) return false;
  }
  return is_member(path);
}

bool Group::is_group(const std::string& path) const {
  if (!contains(path)) return false;
  const Handle object(H5Oopen(id_.get(), path.c_str(), H5P_DEFAULT));
  return object.get() >= 0 && H5Iget_type(object.get()) == H5I_GROUP;
}

bool Group::is_dataset(const std::string& path) const {
  if (!contains(path)) return false;
  const Handle object(H5Oopen(id_.get(), path.c_str(), H5P_DEFAULT));
  return object.get() >= 0 && H5Iget_type(object.get()) == H5I_DATASET;
}

std::vector<std::string> Group::names() const {
  std::vector<std::string> result;
  hsize_t index = 0;
  if (H5Literate(id_.get(), H5_INDEX_CRT_ORDER, H5_ITER_INC, &index, collect_name, &result) < 0) {
    result.clear();
    index = 0;
    if (H5Literate(id_.get(), H5_INDEX_NAME, H5_ITER_INC, &index, collect_name, &result) < 0) {
      refuse(file_, where_, "cannot be listed");
    }
  }
  return result;
}

Group Group::open_group(const std::string& path) const {
  if (!is_group(path)) refuse(file_, path, "is missing or is not a group");
  return {checked(H5Gopen2(id_.get(), path.c_str(), H5P_DEFAULT), file_, path, "cannot be opened"),
          file_, where_ + path + "/"};
}

Group Group::create_group(const std::string& path) {
  const Handle parents(H5Pcreate(H5P_LINK_CREATE));
  H5Pset_create_intermediate_group(parents.get(), 1);
  const Handle ordered = creation_ordered(H5P_GROUP_CREATE);
  const Id id = contains(path) ? H5Gopen2(id_.get(), path.c_str(), H5P_DEFAULT)
                               : H5Gcreate2(id_.get(), path.c_str(), parents.get(), ordered.get(),
                                            H5P_DEFAULT);
  return {written(id, file_, path), file_, where_ + path + "/"};
}

void Group::remove(const std::string& path) {
  if (H5Ldelete(id_.get(), path.c_str(), H5P_DEFAULT) < 0) fail(file_, where_ + path);
}

DatasetInfo Group::dataset_info(const std::string& path) const {
  if (!is_dataset(path)) refuse(file_, where_ + path, "is missing or is not a dataset");
  const Handle dataset =
      checked(H5Dopen2(id_.get(), path.c_str(), H5P_DEFAULT), file_, path, "cannot be opened");
  if (!holds_its_values(dataset.get())) {
    refuse(file_, where_ + path, "cannot be read: its values are in another file");
  }
  const Handle space(H5Dget_space(dataset.get()));
  const Handle type(H5Dget_type(dataset.get()));
  DatasetInfo info;
  info.shape = extents(space.get(), file_, where_ + path);
  info.element_size = H5Tget_size(type.get());
  switch (H5Tget_class(type.get())) {
    case H5T_FLOAT:
      info.element = DatasetInfo::Element::kFloat;
      break;
    case H5T_INTEGER:
      info.element = DatasetInfo::Element::kInteger;
      break;
    case H5T_STRING:
      info.element = DatasetInfo::Element::kString;
      break;
    default:
      info.element = DatasetInfo::Element::kOther;
  }
  return info;
}

template <typename T>
std::vector<T> Group::read(const std::string& path) const {
  const DatasetInfo info = dataset_info(path);
  if (info.element != DatasetInfo::Element::kFloat &&
      info.element != DatasetInfo::Element::kInteger) {
    refuse(file_, where_ + path, "does not hold numbers");
  }
  std::vector<T> values(element_count(info.shape, sizeof(T), file_, where_ + path));
  const Handle dataset(H5Dopen2(id_.get(), path.c_str(), H5P_DEFAULT));
  if (H5Dread(dataset.get(), native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    refuse(file_, where_ + path, "cannot be read: the file is damaged");
  }
  return values;
}

template <typename T>
void Group::read_rows(const std::string& path, std::uint64_t first, std::uint64_t count,
                      std::span<T> dst) const {
  silence();  // the library keeps an error stack for each thread; others come here first
  const Handle dataset = checked(H5Dopen2(id_.get(), path.c_str(), H5P_DEFAULT), file_,
                                 where_ + path, "is missing or is not a dataset");
  const Handle space(H5Dget_space(dataset.get()));
  std::vector<std::uint64_t> shape = extents(space.get(), file_, where_ + path);
  if (shape.empty() || first > shape[0] || count > shape[0] - first) {
    refuse(file_, where_ + path, "has fewer rows than it should");
  }
  shape[0] = count;
  if (element_count(shape, sizeof(T), file_, where_ + path) != dst.size()) {
    refuse(file_, where_ + path, "has rows of another size than it should");
  }
  std::vector<hsize_t> start(shape.size(), 0);
  start[0] = first;
  const std::vector<hsize_t> extent(shape.begin(), shape.end());
  H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr);
  const Handle memory(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr));
  if (H5Dread(dataset.get(), native_type<T>(), memory.get(), space.get(), H5P_DEFAULT, dst.data()) <
      0) {
    refuse(file_, where_ + path, "cannot be read: the file is damaged");
  }
}

template <typename T>
void Group::write(const std::string& path, std::span<const std::uint64_t> shape,
                  std::span<const T> data) {
  const std::vector<hsize_t> dimensions(shape.begin(), shape.end());
  const Handle space = dimensions.empty()
                           ? Handle(H5Screate(H5S_SCALAR))
                           : Handle(H5Screate_simple(static_cast<int>(dimensions.size()),
                                                     dimensions.data(), nullptr));
  const Handle parents(H5Pcreate(H5P_LINK_CREATE));
  H5Pset_create_intermediate_group(parents.get(), 1);
  const Handle properties(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_obj_track_times(properties.get(), 0);
  const Handle dataset = written(H5Dcreate2(id_.get(), path.c_str(), native_type<T>(), space.get(),
                                            parents.get(), properties.get(), H5P_DEFAULT),
                                 file_, where_ + path);
  if (H5Dwrite(dataset.get(), native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, data.data()) < 0) {
    fail(file_, where_ + path);
  }
}

template <typename T>
void Group::create_rows(const std::string& path, std::span<const std::uint64_t> row_shape,
                        int deflate) {
  std::vector<hsize_t> dimensions{0};
  dimensions.insert(dimensions.end(), row_shape.begin(), row_shape.end());
  std::vector<hsize_t> largest = dimensions;
  std::vector<hsize_t> chunk = dimensions;
  largest[0] = H5S_UNLIMITED;
  chunk[0] = 1;
  const Handle space(
      H5Screate_simple(static_cast<int>(dimensions.size()), dimensions.data(), largest.data()));
  const Handle properties(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_obj_track_times(properties.get(), 0);
  H5Pset_chunk(properties.get(), static_cast<int>(chunk.size()), chunk.data());
  if (deflate > 0) H5Pset_deflate(properties.get(), static_cast<unsigned>(deflate));
  const Handle parents(H5Pcreate(H5P_LINK_CREATE));
  H5Pset_create_intermediate_group(parents.get(), 1);
  const Handle dataset = written(H5Dcreate2(id_.get(), path.c_str(), native_type<T>(), space.get(),
                                            parents.get(), properties.get(), H5P_DEFAULT),
                                 file_, where_ + path);
}

template <typename T>
void Group::append_rows(const std::string& path, std::span<const T> rows) {
  silence();  // as in read_rows
  const Handle dataset =
      written(H5Dopen2(id_.get(), path.c_str(), H5P_DEFAULT), file_, where_ + path);
  std::vector<std::uint64_t> shape;
  {
    const Handle space(H5Dget_space(dataset.get()));
    shape = extents(space.get(), file_, where_ + path);
  }
  std::uint64_t row = 1;
  for (std::size_t axis = 1; axis < shape.size(); ++axis) row *= shape[axis];
  if (row == 0 || rows.size() % row != 0)
    throw RunError(file_ + ": " + where_ + path + ": rows of a wrong size");
  std::vector<hsize_t> start(shape.size(), 0);
  start[0] = shape[0];
  std::vector<hsize_t> extent(shape.begin(), shape.end());
  extent[0] = rows.size() / row;
  std::vector<hsize_t> grown = extent;
  grown[0] += shape[0];
  if (H5Dset_extent(dataset.get(), grown.data()) < 0) fail(file_, where_ + path);
  const Handle space(H5Dget_space(dataset.get()));
  H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr);
  const Handle memory(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr));
  if (H5Dwrite(dataset.get(), native_type<T>(), memory.get(), space.get(), H5P_DEFAULT,
               rows.data()) < 0) {
    fail(file_, where_ + path);
  }
}

bool Group::has_attribute(const std::string& path, const std::string& name) const {
  return contains(path) &&
         H5Aexists_by_name(id_.get(), path.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

std::vector<std::string> Group::read_strings(const std::string& path, const std::string& name,
                                             std::uint64_t most) const {
  const std::string what = "attribute " + name + " of " + where_ + path;
  if (!has_attribute(path, name)) refuse(file_, what, "is missing");
  const Handle attribute =
      checked(H5Aopen_by_name(id_.get(), path.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT),
              file_, what, "cannot be opened");
  const Handle type(H5Aget_type(attribute.get()));
  const Handle space(H5Aget_space(attribute.get()));
  const std::vector<std::uint64_t> shape = extents(space.get(), file_, what);
  // h5py writes an empty list as no numbers.
  if (std::find(shape.begin(), shape.end(), 0U) != shape.end()) return {};
  if (H5Tget_class(type.get()) != H5T_STRING) refuse(file_, what, "is not text");
  if (element_count(shape, 1, file_, what) > most) {
    refuse(file_, what, most == 1 ? "is not one text" : "holds more texts than it should");
  }
  std::vector<std::string> result;
  if (H5Tis_variable_str(type.get()) > 0) {
    std::vector<char*> pointers(element_count(shape, sizeof(char*), file_, what), nullptr);
    if (H5Aread(attribute.get(), type.get(), pointers.data()) < 0)
      refuse(file_, what, "cannot be read");
    for (const char* text : pointers) result.emplace_back(text == nullptr ? "" : text);
    H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, pointers.data());
    return result;
  }
  const std::size_t size = H5Tget_size(type.get());
  const std::uint64_t count = element_count(shape, size, file_, what, kLargestAttribute);
  std::vector<char> text(count * size);
  if (H5Aread(attribute.get(), type.get(), text.data()) < 0) refuse(file_, what, "cannot be read");
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string padded(text.data() + i * size, size);
    result.push_back(padded.substr(0, padded.find('\0')));
  }
  return result;
}

std::string Group::read_string(const std::string& path, const std::string& name) const {
  std::vector<std::string> strings = read_strings(path, name, 1);
  if (strings.size() != 1)
    refuse(file_, "attribute " + name + " of " + where_ + path, "is not one text");
  return std::move(strings.front());
}

namespace {

template <typename T>
T read_scalar(Id group, const std::string& path, const std::string& name, const std::string& file,
              const std::string& what) {
  const Handle attribute =
      checked(H5Aopen_by_name(group, path.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), file,
              what, "is missing");
  const Handle space(H5Aget_space(attribute.get()));
  T value{};
  if (H5Sget_simple_extent_npoints(space.get()) != 1 ||
      H5Aread(attribute.get(), native_type<T>(), &value) < 0) {
    refuse(file, what, "is not one number");
  }
  return value;
}

/// Makes (or replaces) an attribute and writes it.
void write_value(Id group, const std::string& path, const std::string& name, Id type, Id space,
                 const void* data, const std::string& file) {
  if (H5Aexists_by_name(group, path.c_str(), name.c_str(), H5P_DEFAULT) > 0) {
    H5Adelete_by_name(group, path.c_str(), name.c_str(), H5P_DEFAULT);
  }
  const Handle attribute = written(H5Acreate_by_name(group, path.c_str(), name.c_str(), type, space,
                                                     H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                                   file, "attribute " + name);
  if (H5Awrite(attribute.get(), type, data) < 0) fail(file, "attribute " + name);
}

}  // namespace

double Group::read_number(const std::string& path, const std::string& name) const {
  return read_scalar<double>(id_.get(), path, name, file_,
                             "attribute " + name + " of " + where_ + path);
}

std::int64_t Group::read_integer(const std::string& path, const std::string& name) const {
  return read_scalar<std::int64_t>(id_.get(), path, name, file_,
                                   "attribute " + name + " of " + where_ + path);
}

void Group::write_attribute(const std::string& path, const std::string& name,
                            const std::string& value) {
  const Handle space(H5Screate(H5S_SCALAR));
  const Handle type = string_type(std::max<std::size_t>(value.size(), 1));
  write_value(id_.get(), path, name, type.get(), space.get(), value.c_str(), file_);
}

void Group::write_attribute(const std::string& path, const std::string& name,
                            const std::vector<std::string>& values) {
  std::size_t longest = 1;
  for (const std::string& value : values) longest = std::max(longest, value.size());
  std::vector<char> text(values.size() * longest, '\0');
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i].copy(text.data() + i * longest, longest);
  const hsize_t count = values.size();
  const Handle space(H5Screate_simple(1, &count, nullptr));
  const Handle type = string_type(longest);
  write_value(id_.get(), path, name, type.get(), space.get(), text.data(), file_);
}

void Group::write_attribute(const std::string& path, const std::string& name, double value) {
  const Handle space(H5Screate(H5S_SCALAR));
  write_value(id_.get(), path, name, H5T_NATIVE_DOUBLE, space.get(), &value, file_);
}

void Group::write_attribute(const std::string& path, const std::string& name, std::int64_t value) {
  const Handle space(H5Screate(H5S_SCALAR));
  write_value(id_.get(), path, name, H5T_NATIVE_INT64, space.get(), &value, file_);
}

File File::open(const std::filesystem::path& path) {
  silence();
  const std::string name = path.string();
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    throw InputError(name, error ? error.message() : "there is no such file", "check the path");
  }
  if (!std::filesystem::is_regular_file(path, error))
    throw InputError(name, "is not a file", "check the path");
  if (std::filesystem::file_size(path, error) == 0)
    throw InputError(name, "is empty", "make or download the file again");
  if (!std::ifstream(path)) throw InputError(name, "cannot be read", "check its permissions");
  if (H5Fis_hdf5(name.c_str()) <= 0)
    throw InputError(name, "is not an HDF5 file", "give a file made by afterglow or Keras (.h5)");
  const Id id = H5Fopen(name.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  if (id < 0)
    throw InputError(name, "is a damaged or truncated HDF5 file",
                     "make or download the file again");
  return {Handle(id), name};
}

File File::open_image(std::span<const std::byte> image, const std::string& shown) {
  silence();
  const Handle in_memory(H5Pcreate(H5P_FILE_ACCESS));
  constexpr std::size_t kIncrement = 1 << 16;  // of a file that grows, which this one does not
  // HDF5 copies the bytes.
  const bool taken =
      H5Pset_fapl_core(in_memory.get(), kIncrement, /*backing_store=*/0) >= 0 &&
      H5Pset_file_image(in_memory.get(), const_cast<std::byte*>(image.data()), image.size()) >= 0;
  const Id id = taken ? H5Fopen(shown.c_str(), H5F_ACC_RDONLY, in_memory.get()) : -1;
  if (id < 0) throw InputError(shown, "is a damaged HDF5 file", "install afterglow again");
  return {Handle(id), shown};
}

File File::create(const std::filesystem::path& path, const std::filesystem::path& shown) {
  silence();
  const std::string name = shown.empty() ? path.string() : shown.string();
  const Handle ordered = creation_ordered(H5P_FILE_CREATE);
  const Id id = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, ordered.get(), H5P_DEFAULT);
  if (id < 0) throw InputError(name, "cannot be made", "choose another output path");
  return {Handle(id), name};
}

void File::flush() {
  if (H5Fflush(id_.get(), H5F_SCOPE_GLOBAL) < 0) fail(file_, "the file");
}

#define AFTERGLOW_HDF5_ELEMENT(T)                                                               \
  template std::vector<T> Group::read<T>(const std::string&) const;                             \
  template void Group::read_rows<T>(const std::string&, std::uint64_t, std::uint64_t,           \
                                    std::span<T>) const;                                        \
  template void Group::write<T>(const std::string&, std::span<const std::uint64_t>,             \
                                std::span<const T>);                                            \
  template void Group::create_rows<T>(const std::string&, std::span<const std::uint64_t>, int); \
  template void Group::append_rows<T>(const std::string&, std::span<const T>);

AFTERGLOW_HDF5_ELEMENT(float)
AFTERGLOW_HDF5_ELEMENT(double)
AFTERGLOW_HDF5_ELEMENT(std::uint8_t)
AFTERGLOW_HDF5_ELEMENT(std::int64_t)
AFTERGLOW_HDF5_ELEMENT(std::uint64_t)
#undef AFTERGLOW_HDF5_ELEMENT

}  // namespace afterglow::hdf5
