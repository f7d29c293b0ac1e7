// HDF5 files that differ from a right one wherever the fuzzer says so: what our readers make of the
// library's answers is under test, not how the library reads bytes.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "fuzz/choices.hpp"

namespace afterglow::fuzz {

/// Makes parts of a file. Where the next choice is 0, a part is as it is described; otherwise it is
/// missing, of another type or shape, a link, or of the values that the next choices say.
class Hdf5Maker {
 public:
  /// Begins a file in memory-backed storage; there is one, which the next maker replaces.
  explicit Hdf5Maker(Choices& choices);
  ~Hdf5Maker();
  Hdf5Maker(const Hdf5Maker&) = delete;
  Hdf5Maker& operator=(const Hdf5Maker&) = delete;

  hid_t root() const { return file_; }
  void attribute(hid_t object, const std::string& name, const std::string& value);
  void attribute(hid_t object, const std::string& name, std::int64_t value);
  void attribute(hid_t object, const std::string& name, double value);
  void dataset(hid_t group, const std::string& name, const std::vector<std::uint64_t>& shape,
               hid_t type);
  /// A group, with what `fill` puts into it.
  void group(hid_t parent, const std::string& name, const std::function<void(hid_t)>& fill);

  /// Closes the file and returns where it lies.
  const std::filesystem::path& close();

 private:
  bool changed_attribute(hid_t object, const std::string& name);
  bool link(hid_t parent, const std::string& name, std::uint8_t choice);
  /// A type by choice: numbers of all sizes, texts, and what is neither.
  hid_t any_type();
  hid_t any_space(bool small);

  Choices& choices_;
  hid_t file_ = -1;
};

}  // namespace afterglow::fuzz
