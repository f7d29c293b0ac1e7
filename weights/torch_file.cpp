#include "weights/torch_file.hpp"

#include <zip.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "weights/pickle.hpp"

namespace afterglow {
namespace {

using Kind = PickleValue::Kind;

static_assert(std::endian::native == std::endian::little, "PyTorch's files are little-endian");

constexpr const char* kWholeStateDict = "give a state_dict saved by torch.save, downloaded whole";
/// The first pickle of a file of before PyTorch 1.6: 0x1950a86a20f9469cfc6c, lowest byte first.
constexpr std::string_view kTorchMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

[[noreturn]] void refuse_torch_file(const std::string& name, const std::string& problem) {
  throw InputError(name, problem, kWholeStateDict);
}

/// The values of each storage, by its key. Not all of them need be float32.
using Storages = std::map<std::string, std::string_view, std::less<>>;

/// A reference to a storage: ("storage", type, key, device, number of elements ...). It lives as
/// long as its pickle.
struct StorageId {
  std::string_view type, key;
};

std::optional<StorageId> storage_id(const Pickle& pickle, const PickleValue& value) {
  if (value.kind != Kind::kPersistent) return std::nullopt;
  const PickleValue& id = pickle.at(value.items.at(0));
  if (id.kind != Kind::kTuple || id.items.size() < 5) return std::nullopt;
  const PickleValue &type = pickle.at(id.items[1]), &key = pickle.at(id.items[2]);
  constexpr std::size_t kLongestKey = 1024;
  if (type.kind != Kind::kGlobal || key.kind != Kind::kText || key.text.size() > kLongestKey) {
    return std::nullopt;
  }
  return StorageId{type.text, key.text};
}

/// Bytes of an element of a storage; 0 for unknown types.
std::size_t element_size(std::string_view type) {
  static const std::map<std::string_view, std::size_t> sizes = {
      {"torch FloatStorage", 4},    {"torch DoubleStorage", 8}, {"torch HalfStorage", 2},
      {"torch BFloat16Storage", 2}, {"torch LongStorage", 8},   {"torch IntStorage", 4},
      {"torch ShortStorage", 2},    {"torch CharStorage", 1},   {"torch ByteStorage", 1},
      {"torch BoolStorage", 1}};
  const auto found = sizes.find(type);
  return found == sizes.end() ? 0 : found->second;
}

/// The tensors that a pickled state_dict describes.
class StateDict {
 public:
  StateDict(const std::string& name, const Pickle& pickle, const Storages& storages)
      : name_(name), pickle_(pickle), storages_(storages) {}

  RawTensors tensors() const {
    const PickleValue* dict = &pickle_.at(pickle_.root);
    if (const PickleValue* inner = entry(*dict, "state_dict")) dict = inner;
    if (dict->kind != Kind::kDict) refuse_torch_file(name_, "holds no state_dict");
    RawTensors result;
    std::uint64_t left = kLargestWeightsFile / sizeof(float);
    for (std::size_t i = 0; i + 1 < dict->items.size(); i += 2) {
      const PickleValue& key = pickle_.at(dict->items[i]);
      if (key.kind != Kind::kText) refuse_torch_file(name_, "holds no state_dict");
      const std::string& tensor = key.text;
      std::optional<RawTensor> read = tensor_of(tensor, pickle_.at(dict->items[i + 1]), left);
      if (!read) continue;
      left -= read->values.size();
      if (!result.try_emplace(tensor, std::move(*read)).second) {
        refuse_torch_file(name_, "has two tensors of the name " + tensor);
      }
    }
    return result;
  }

 private:
  const PickleValue* entry(const PickleValue& dict, const std::string& wanted) const {
    if (dict.kind != Kind::kDict) return nullptr;
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      const PickleValue& key = pickle_.at(dict.items[i]);
      if (key.kind == Kind::kText && key.text == wanted) return &pickle_.at(dict.items[i + 1]);
    }
    return nullptr;
  }

  /// The arguments of a call of `function`; null for anything else.
  const PickleValue* arguments(const PickleValue& value, const std::string& function) const {
    if (value.kind != Kind::kCall || pickle_.at(value.items.at(0)).text != function) return nullptr;
    return &pickle_.at(value.items.at(1));
  }

  std::vector<std::int64_t> integers(const std::string& tensor, const PickleValue& value) const {
    std::vector<std::int64_t> result;
    if (value.kind != Kind::kTuple || value.items.size() > 8) damaged(tensor);
    for (const std::size_t item : value.items) {
      if (pickle_.at(item).kind != Kind::kInteger) damaged(tensor);
      result.push_back(pickle_.at(item).integer);
    }
    return result;
  }

  [[noreturn]] void damaged(const std::string& tensor) const {
    refuse_torch_file(name_, "its tensor " + tensor + " is damaged");
  }

  /// torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...), perhaps inside of
  /// _rebuild_parameter(tensor, ...). Nothing when it is of another type than float32. Of more
  /// than `most` elements it is refused: tensors may share a storage, so that a small file can ask
  /// for any amount of memory.
  std::optional<RawTensor> tensor_of(const std::string& tensor, const PickleValue& value,
                                     std::uint64_t most) const {
    const PickleValue* made = &value;
    if (const PickleValue* parameter = arguments(*made, "torch._utils _rebuild_parameter")) {
      if (parameter->items.empty()) damaged(tensor);
      made = &pickle_.at(parameter->items[0]);
    }
    const PickleValue* of = arguments(*made, "torch._utils _rebuild_tensor_v2");
    if (of == nullptr) refuse_torch_file(name_, "its " + tensor + " is no tensor");
    if (of->items.size() < 4) damaged(tensor);
    const std::optional<StorageId> id = storage_id(pickle_, pickle_.at(of->items[0]));
    const PickleValue& offset = pickle_.at(of->items[1]);
    if (!id || offset.kind != Kind::kInteger) damaged(tensor);
    if (id->type != "torch FloatStorage") return std::nullopt;
    return strided(tensor, *id, offset.integer, integers(tensor, pickle_.at(of->items[2])),
                   integers(tensor, pickle_.at(of->items[3])), most);
  }

  RawTensor strided(const std::string& tensor, const StorageId& id, std::int64_t offset,
                    std::vector<std::int64_t> shape, const std::vector<std::int64_t>& stride,
                    std::uint64_t most) const {
    const auto found = storages_.find(id.key);
    if (found == storages_.end())
      refuse_torch_file(name_, "has no values for its tensor " + tensor);
    const auto held = static_cast<std::int64_t>(found->second.size() / sizeof(float));
    const std::int64_t count = element_count(shape, held);
    if (count < 0 || stride.size() != shape.size() || offset < 0 || offset > held) damaged(tensor);
    std::int64_t last = offset;
    for (std::size_t axis = 0; axis < shape.size() && count > 0; ++axis) {
      if (stride[axis] < 0 || stride[axis] > held) damaged(tensor);
      last += (shape[axis] - 1) * stride[axis];  // both at most `held`, a file's size
    }
    if (count > 0 && last >= held) damaged(tensor);
    if (static_cast<std::uint64_t>(count) > most) {
      refuse_torch_file(name_, "holds more values than any file of tensors");
    }

    RawTensor result{std::move(shape), std::vector<float>(static_cast<std::size_t>(count))};
    std::vector<std::int64_t> index(result.shape.size());
    std::int64_t at = offset;
    for (float& to : result.values) {
      std::memcpy(&to, found->second.data() + static_cast<std::size_t>(at) * sizeof to, sizeof to);
      for (std::size_t axis = index.size(); axis-- > 0;) {
        at += stride[axis];
        if (++index[axis] < result.shape[axis]) break;
        at -= index[axis] * stride[axis];
        index[axis] = 0;
      }
    }
    return result;
  }

  const std::string& name_;
  const Pickle& pickle_;
  const Storages& storages_;
};

/// A zip archive in memory: <folder>/data.pkl, and each storage in <folder>/data/<key>.
class Archive {
 public:
  Archive(const std::string& name, std::string_view bytes) : name_(name), size_(bytes.size()) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* const source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    if (source != nullptr) zip_.reset(zip_open_from_source(source, ZIP_RDONLY, &error));
    zip_error_fini(&error);
    if (zip_ != nullptr) return;
    if (source != nullptr) zip_source_free(source);
    refuse_torch_file(name_, "is no whole zip archive");
  }

  /// The archive's entries with what they hold.
  std::map<std::string, std::string> entries() const {
    constexpr zip_int64_t kMostEntries = 1 << 16;
    const zip_int64_t count = zip_get_num_entries(zip_.get(), 0);
    if (count > kMostEntries) refuse_torch_file(name_, "has more entries than any file of tensors");
    std::map<std::string, std::string> result;
    std::uint64_t total = 0;
    for (zip_int64_t i = 0; i < count; ++i) {
      const auto number = static_cast<zip_uint64_t>(i);
      zip_stat_t entry;
      if (zip_stat_index(zip_.get(), number, 0, &entry) != 0) damaged();
      constexpr zip_uint64_t kNeeded = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD;
      if ((entry.valid & kNeeded) != kNeeded) damaged();
      // PyTorch stores without compression: the entries together cannot be larger than the file.
      if (entry.comp_method != ZIP_CM_STORE) refuse_torch_file(name_, "is a compressed archive");
      if (entry.size > size_ - total) damaged();
      total += entry.size;
      std::string bytes(entry.size, '\0');
      const std::unique_ptr<zip_file_t, CloseFile> file(zip_fopen_index(zip_.get(), number, 0));
      const auto read = [&](char* to, std::size_t most) {
        return file ? zip_fread(file.get(), to, most) : -1;
      };
      if (read(bytes.data(), bytes.size()) != static_cast<zip_int64_t>(bytes.size())) damaged();
      char behind = 0;  // at its end an entry's check sum is looked at
      if (read(&behind, 1) != 0) damaged();
      if (!result.try_emplace(entry.name, std::move(bytes)).second) damaged();
    }
    return result;
  }

 private:
  struct Discard {
    void operator()(zip_t* zip) const { zip_discard(zip); }
  };
  struct CloseFile {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
  };

  [[noreturn]] void damaged() const { refuse_torch_file(name_, "is a damaged zip archive"); }

  const std::string& name_;
  std::uint64_t size_;
  std::unique_ptr<zip_t, Discard> zip_;
};

RawTensors parse_zip(const std::string& name, std::string_view bytes) {
  constexpr std::string_view kPickle = "/data.pkl";
  const std::map<std::string, std::string> entries = Archive(name, bytes).entries();
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) {
    return entry.first.ends_with(kPickle);
  });
  if (found == entries.end()) refuse_torch_file(name, "is a zip archive without a data.pkl");
  const std::string folder = found->first.substr(0, found->first.size() - kPickle.size());
  const auto order = entries.find(folder + "/byteorder");
  if (order != entries.end() && order->second != "little") refuse_torch_file(name, "is big-endian");
  const std::string data = folder + "/data/";
  Storages storages;
  for (const auto& [entry, held] : entries) {
    if (entry.starts_with(data)) storages[entry.substr(data.size())] = held;
  }
  std::string_view pickled = found->second;
  return StateDict(name, take_pickle(name, pickled), storages).tensors();
}

/// Magic number, protocol, system, the state_dict, the keys of its storages, then these: for each
/// the count of its elements and their bytes.
RawTensors parse_legacy(const std::string& name, std::string_view bytes) {
  const Pickle magic = take_pickle(name, bytes);
  if (magic.at(magic.root).kind != Kind::kLong || magic.at(magic.root).text != kTorchMagic) {
    refuse_torch_file(name, "is a pickle, but no file of PyTorch's");
  }
  take_pickle(name, bytes);  // the protocol
  take_pickle(name, bytes);  // the system's sizes
  const Pickle state = take_pickle(name, bytes);
  const Pickle keys = take_pickle(name, bytes);
  std::map<std::string_view, StorageId> ids;
  for (const PickleValue& value : state.values) {
    if (const std::optional<StorageId> id = storage_id(state, value)) ids[id->key] = *id;
  }
  Storages storages;
  if (keys.at(keys.root).kind != Kind::kTuple)
    refuse_torch_file(name, "has no list of its storages");
  for (const std::size_t item : keys.at(keys.root).items) {
    const auto id = ids.find(keys.at(item).text);
    const std::size_t size = id == ids.end() ? 0 : element_size(id->second.type);
    if (size == 0) refuse_torch_file(name, "has a storage of an unknown type");
    std::uint64_t count = 0;
    if (bytes.size() < sizeof count) refuse_torch_file(name, "ends too early");
    std::memcpy(&count, bytes.data(), sizeof count);
    bytes.remove_prefix(sizeof count);
    if (count > bytes.size() / size) refuse_torch_file(name, "ends too early");
    storages[std::string(id->first)] = bytes.substr(0, count * size);
    bytes.remove_prefix(count * size);
  }
  return StateDict(name, state, storages).tensors();
}

}  // namespace

bool looks_like_torch(std::string_view bytes) {
  return bytes.starts_with("PK\x03\x04") || bytes.starts_with("\x80\x02");
}

RawTensors parse_torch(const std::string& name, std::string_view bytes) {
  return bytes.starts_with("PK") ? parse_zip(name, bytes) : parse_legacy(name, bytes);
}

}  // namespace afterglow
