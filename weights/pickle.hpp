// Python's pickles, as data: nothing that they name is ever called or looked up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace afterglow {

/// A Python value. Others inside of it are numbers in the pickle's `values`, so that a value may be
/// in several places, and even in itself.
struct PickleValue {
  enum class Kind {
    kNone,
    kInteger,  // and True, False
    kReal,
    kText,        // and bytes
    kLong,        // an integer of more than 64 bits: its bytes in `text`, lowest first
    kGlobal,      // what is called `text`: "collections OrderedDict"
    kTuple,       // `items`; lists alike
    kDict,        // `items`: key, value, key, value ...
    kCall,        // `items`: a global and the tuple of its arguments
    kPersistent,  // `items`: the id of something kept elsewhere
  };
  Kind kind = Kind::kNone;
  std::int64_t integer = 0;
  double real = 0;
  std::string text = {};
  std::vector<std::size_t> items = {};
};

struct Pickle {
  std::vector<PickleValue> values;
  std::size_t root = 0;

  const PickleValue& at(std::size_t number) const { return values[number]; }
};

/// Takes one pickle (protocols 2 to 5) from the front of `bytes`. An object's state that is set
/// after it was made is left out; collections.OrderedDict() is a dictionary. Throws InputError,
/// naming `name`, when the pickle is damaged, or holds what no file of tensors does.
Pickle take_pickle(const std::string& name, std::string_view& bytes);

}  // namespace afterglow
