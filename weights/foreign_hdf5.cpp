#include "weights/foreign_hdf5.hpp"

#include <cstdio>
#include <functional>
#include <stdexcept>

#include "base/error.hpp"
#include "base/hdf5.hpp"
#include "base/limited_child.hpp"

namespace afterglow {
namespace {

constexpr const char* kDamaged = "get the file again, or give another";
constexpr int kDeepest = 8;            // groups in groups; Keras's models have four
constexpr int kMostObjects = 1 << 14;  // groups, datasets and listed names
constexpr std::uint64_t kLongestText = std::uint64_t{1} << 22;
constexpr const char* kTexts[] = {"model_config", "format", "afterglow_fit",
                                  "afterglow_pretrained"};
constexpr std::uint64_t kSeconds = 60;  // of the child's computing

// The child's half: what it finds goes into the pipe as records, each a letter and what belongs to
// it; 'Z' ends them all.

class Sender {
 public:
  explicit Sender(std::FILE* pipe) : pipe_(pipe) {}

  void number(std::uint64_t value) { bytes(&value, sizeof value); }
  void text(const std::string& value) {
    number(value.size());
    bytes(value.data(), value.size());
  }
  void letter(char value) { bytes(&value, 1); }
  void bytes(const void* values, std::size_t count) {
    if (std::fwrite(values, 1, count, pipe_) != count) throw std::runtime_error("nobody reads");
  }

 private:
  std::FILE* pipe_;
};

class Walk {
 public:
  Walk(const std::string& path, Sender& send) : path_(path), send_(send) {}

  void root(const hdf5::Group& file, Hdf5Part part) {
    for (const char* name : kTexts) {
      if (!file.has_attribute(".", name)) continue;
      const std::string text = file.read_string(".", name);
      if (text.size() > kLongestText) refuse("has an attribute of an impossible length");
      send_.letter('T');
      send_.text(name);
      send_.text(text);
    }
    if (part == Hdf5Part::kAll) group(file, "", 0);
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    throw InputError(path_, problem, kDamaged);
  }

  void count() {
    if (++objects_ > kMostObjects) refuse("holds more objects than any model");
  }

  void list(const hdf5::Group& group, const std::string& prefix) {
    const std::string name = "weight_names";
    if (!group.has_attribute(".", name)) return;
    const std::vector<std::string> values = group.read_strings(".", name);
    send_.letter('L');
    send_.text(prefix.substr(0, prefix.empty() ? 0 : prefix.size() - 1) + '@' + name);
    send_.number(values.size());
    for (const std::string& value : values) {
      count();
      if (value.size() > kLongestText) refuse("has a name of an impossible length");
      send_.text(value);
    }
  }

  void group(const hdf5::Group& group, const std::string& prefix, int depth) {
    if (depth > kDeepest) refuse("is nested deeper than any model");
    list(group, prefix);
    for (const std::string& name : group.names()) {
      count();
      if (group.is_group(name)) {
        this->group(group.open_group(name), prefix + name + '/', depth + 1);
      } else if (group.is_dataset(name)) {
        dataset(group, name, prefix + name);
      }
    }
  }

  void dataset(const hdf5::Group& group, const std::string& name, const std::string& full) {
    using Element = hdf5::DatasetInfo::Element;
    const hdf5::DatasetInfo info = group.dataset_info(name);
    if (info.element != Element::kFloat && info.element != Element::kInteger) return;
    std::uint64_t values = 1;
    for (const std::uint64_t extent : info.shape) {
      if (extent > 0 && values > left_ / extent) refuse("holds more numbers than any model");
      values *= extent;
    }
    const std::vector<float> read = group.read<float>(name);
    left_ -= read.size();
    send_.letter('D');
    send_.text(full);
    send_.number(info.shape.size());
    for (const std::uint64_t extent : info.shape) send_.number(extent);
    send_.bytes(read.data(), read.size() * sizeof(float));
  }

  const std::string& path_;
  Sender& send_;
  int objects_ = 0;
  std::uint64_t left_ = kLargestWeightsFile / sizeof(float);
};

void read_as_child(const std::string& path, Hdf5Part part, std::FILE* pipe,
                   const std::function<void()>& lock) {
  Sender send(pipe);
  try {
    const hdf5::File file = hdf5::File::open(path);
    lock();  // what a file says of other files stays unread
    Walk(path, send).root(file, part);
    send.letter('Z');
  } catch (const InputError& e) {
    send.letter('E');
    send.text(e.what());
  }
}

// The parent's half: a damaged file may have made the child send anything.

class Receiver {
 public:
  explicit Receiver(std::FILE* pipe) : pipe_(pipe) {}

  /// False when the child ended, or sent nonsense, before its last record.
  bool receive(ForeignHdf5& to) {
    while (true) {
      const int letter = std::fgetc(pipe_);
      count();
      if (letter == 'Z') return !broken_;
      if (letter == 'E') {
        const std::string message = text();
        if (broken_) return false;
        throw InputError(message);
      }
      if (letter == 'T') {
        const std::string name = text();
        to.texts[name] = text();
      } else if (letter == 'L') {
        const std::string name = text();
        std::vector<std::string>& list = to.lists[name];
        for (std::uint64_t left = number(); left > 0 && !broken_; --left) {
          count();
          list.push_back(text());
        }
      } else if (letter == 'D') {
        const std::string name = text();
        to.tensors[name] = tensor();
      } else {
        return false;
      }
      if (broken_) return false;
    }
  }

 private:
  /// Empty records cost no bytes of those that are left, but memory.
  void count() { broken_ = broken_ || ++objects_ > 2 * kMostObjects; }
  void bytes(void* to, std::size_t count) {
    broken_ = broken_ || count > left_ || std::fread(to, 1, count, pipe_) != count;
    if (!broken_) left_ -= count;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    bytes(&value, sizeof value);
    return broken_ ? 0 : value;
  }
  std::string text() {
    const std::uint64_t size = number();
    broken_ = broken_ || size > kLongestText;
    if (broken_) return {};
    std::string value(size, '\0');
    bytes(value.data(), size);
    return value;
  }
  RawTensor tensor() {
    constexpr std::uint64_t kHighestRank = 32;  // of HDF5
    RawTensor result;
    const std::uint64_t rank = number();
    broken_ = broken_ || rank > kHighestRank;
    for (std::uint64_t axis = 0; axis < rank && !broken_; ++axis) {
      result.shape.push_back(static_cast<std::int64_t>(number()));
    }
    const std::int64_t count =
        element_count(result.shape, static_cast<std::int64_t>(left_ / sizeof(float)));
    broken_ = broken_ || count < 0;
    if (broken_) return {};
    result.values.resize(static_cast<std::size_t>(count));
    bytes(result.values.data(), result.values.size() * sizeof(float));
    return result;
  }

  std::FILE* pipe_;
  std::uint64_t left_ = 2 * kLargestWeightsFile;  // bytes
  int objects_ = 0;  // records and listed names; the child counts objects and names
  bool broken_ = false;
};

}  // namespace

ForeignHdf5 read_foreign_hdf5(const std::filesystem::path& path, Hdf5Part part) {
  ForeignHdf5 result;
  in_limited_child(
      path.string(), {2 * kLargestWeightsFile, kSeconds},
      [&](std::FILE* pipe, const std::function<void()>& lock) {
        read_as_child(path.string(), part, pipe, lock);
      },
      [&](std::FILE* pipe) { return Receiver(pipe).receive(result); });
  return result;
}

}  // namespace afterglow
