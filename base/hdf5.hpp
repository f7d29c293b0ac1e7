// A thin RAII layer over the HDF5 C library: just what checkpoints, datasets and Keras files need.
// Every failure becomes an InputError (reading) or RunError (writing) that names file and object;
// HDF5's own error stack is never printed. Sizes are checked against the limits below
// before anything is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace afterglow::hdf5 {

/// The library's identifier type (hid_t), spelled here so that hdf5.h stays inside hdf5.cpp.
using Id = std::int64_t;

/// No single dataset, or attribute, that is read whole may be larger than this (bytes).
inline constexpr std::uint64_t kLargestDataset = std::uint64_t{8} << 30;
inline constexpr std::uint64_t kLargestAttribute = std::uint64_t{64} << 20;
/// No attribute holds more texts.
inline constexpr std::uint64_t kMostTexts = 1 << 14;

/// Closes an identifier of any kind when it goes out of scope; movable, not copyable.
class Handle {
 public:
  Handle() = default;
  explicit Handle(Id id) : id_(id) {}
  Handle(Handle&& other) noexcept : id_(other.id_) { other.id_ = -1; }
  Handle& operator=(Handle&& other) noexcept;
  ~Handle();
  Id get() const { return id_; }

 private:
  Id id_ = -1;
};

/// A dataset's extent and element class.
struct DatasetInfo {
  std::vector<std::uint64_t> shape;
  enum class Element { kFloat, kInteger, kString, kOther } element = Element::kOther;
  std::uint64_t element_size = 0;  // bytes
};

/// A file or a group in it. Paths are relative to the group and may have several parts ("a/b/c");
/// "." is the group itself.
class Group {
 public:
  /// True when all along the path there are members of the file itself: what is linked from another
  /// file, or by another name, is not there.
  bool contains(const std::string& path) const;
  bool is_group(const std::string& path) const;
  bool is_dataset(const std::string& path) const;
  /// Names of the members, in the order of creation where the file tracks it, else by name.
  std::vector<std::string> names() const;
  Group open_group(const std::string& path) const;
  /// Makes the group and its parents where missing.
  Group create_group(const std::string& path);
  /// Unlinks a group or dataset with all below it. Throws RunError when it is not there.
  void remove(const std::string& path);

  /// Throws InputError for a dataset whose values are in other files.
  DatasetInfo dataset_info(const std::string& path) const;
  /// Reads a whole dataset converted to the element type. T: float, double, std::uint8_t,
  /// std::int64_t, std::uint64_t.
  template <typename T>
  std::vector<T> read(const std::string& path) const;
  /// Reads rows first .. first+count-1 of the leading dimension into dst (count * row elements).
  template <typename T>
  void read_rows(const std::string& path, std::uint64_t first, std::uint64_t count,
                 std::span<T> dst) const;
  /// Writes a new contiguous dataset.
  template <typename T>
  void write(const std::string& path, std::span<const std::uint64_t> shape,
             std::span<const T> data);
  /// Makes a dataset whose leading dimension can grow, chunked by one row; `deflate` 0 (off) .. 9.
  template <typename T>
  void create_rows(const std::string& path, std::span<const std::uint64_t> row_shape, int deflate);
  /// Appends whole rows to a dataset made by create_rows.
  template <typename T>
  void append_rows(const std::string& path, std::span<const T> rows);

  // Attributes of an object below this group; path "." is the group itself.
  bool has_attribute(const std::string& path, const std::string& name) const;
  /// Reads a scalar string, fixed or variable length.
  std::string read_string(const std::string& path, const std::string& name) const;
  /// Reads an array of at most so many strings, fixed or variable length (Keras's layer_names,
  /// weight_names). Those of variable length may all be one in the file: their number alone bounds
  /// the memory that they take.
  std::vector<std::string> read_strings(const std::string& path, const std::string& name,
                                        std::uint64_t most = kMostTexts) const;
  double read_number(const std::string& path, const std::string& name) const;
  std::int64_t read_integer(const std::string& path, const std::string& name) const;
  void write_attribute(const std::string& path, const std::string& name, const std::string& value);
  void write_attribute(const std::string& path, const std::string& name,
                       const std::vector<std::string>& values);
  void write_attribute(const std::string& path, const std::string& name, double value);
  void write_attribute(const std::string& path, const std::string& name, std::int64_t value);

 protected:
  Group(Handle id, std::string file, std::string where)
      : id_(std::move(id)), file_(std::move(file)), where_(std::move(where)) {}

  Handle id_;
  std::string file_;   // for messages
  std::string where_;  // path of this group in the file, for messages
};

/// An open file; also its root group. Closed by the destructor.
class File : public Group {
 public:
  /// Opens for reading. Throws InputError when missing, unreadable, empty, truncated or not HDF5.
  static File open(const std::filesystem::path& path);
  /// Opens the bytes of a file for reading; messages call it `shown`. Throws InputError as open()
  /// does.
  static File open_image(std::span<const std::byte> image, const std::string& shown);
  /// Creates or truncates for writing; messages call it `shown`, or by its path when that is empty.
  /// Throws InputError when it cannot be made.
  static File create(const std::filesystem::path& path, const std::filesystem::path& shown = {});
  /// Flushes to disk. Throws RunError (disk full).
  void flush();

 private:
  File(Handle id, std::string file) : Group(std::move(id), std::move(file), "/") {}
};

}  // namespace afterglow::hdf5
