#include "weights/pickle.hpp"

#include <bit>
#include <cstring>
#include <map>
#include <utility>

#include "base/error.hpp"

namespace afterglow {
namespace {

using Kind = PickleValue::Kind;

static_assert(std::endian::native == std::endian::little, "pickles are little-endian");

/// The machine that pickles are programs of (Python's pickletools describes its instructions).
class Unpickler {
 public:
  Unpickler(const std::string& name, std::string_view bytes) : name_(name), bytes_(bytes) {}

  Pickle run() {
    // Bounds the memory that a short instruction can ask for again and again.
    constexpr int kMostInstructions = 1 << 20;
    for (int done = 0; step(); ++done) {
      if (done == kMostInstructions)
        refuse("its pickle is longer than that of any file of tensors");
    }
    return std::move(pickle_);
  }
  std::size_t taken() const { return at_; }

 private:
  static constexpr std::size_t kLongestName = 256;

  [[noreturn]] void damaged() const { refuse("its pickle is damaged"); }
  [[noreturn]] void refuse(const std::string& problem) const {
    throw InputError(name_, problem, "give a state_dict saved by torch.save, downloaded whole");
  }

  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_) damaged();
    const std::string_view part = bytes_.substr(at_, count);
    at_ += count;
    return part;
  }
  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string line() {
    const std::size_t end = bytes_.substr(at_, kLongestName + 1).find('\n');
    if (end == std::string_view::npos) damaged();
    const std::string_view text = take(end);
    take(1);
    return std::string(text);
  }

  void push(PickleValue value) {
    stack_.push_back(pickle_.values.size());
    pickle_.values.push_back(std::move(value));
  }
  void push_items(Kind kind, std::vector<std::size_t> items) {
    PickleValue value{kind};
    value.items = std::move(items);
    push(std::move(value));
  }
  void push_integer(std::int64_t integer) { push({Kind::kInteger, integer}); }
  void push_text(std::string_view text, Kind kind = Kind::kText) {
    push({kind, 0, 0, std::string(text)});
  }

  /// What lies on the stack from here on belongs to what was begun last.
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  std::size_t pop() {
    if (stack_.size() <= floor()) damaged();
    const std::size_t value = stack_.back();
    stack_.pop_back();
    return value;
  }
  std::vector<std::size_t> pop_last(std::size_t count) {
    if (stack_.size() - floor() < count) damaged();
    const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
    std::vector<std::size_t> values(first, stack_.end());
    stack_.erase(first, stack_.end());
    return values;
  }
  std::vector<std::size_t> pop_to_mark() {
    if (marks_.empty()) damaged();
    std::vector<std::size_t> values = pop_last(stack_.size() - marks_.back());
    marks_.pop_back();
    return values;
  }
  PickleValue& top(Kind kind) {
    if (stack_.size() <= floor()) damaged();
    PickleValue& value = pickle_.values[stack_.back()];
    if (value.kind != kind) damaged();
    return value;
  }
  void append(Kind kind, const std::vector<std::size_t>& items) {
    if (kind == Kind::kDict && items.size() % 2 != 0) damaged();
    std::vector<std::size_t>& to = top(kind).items;
    to.insert(to.end(), items.begin(), items.end());
  }

  void remember(std::uint64_t place) {
    if (stack_.size() <= floor()) damaged();
    memo_[place] = stack_.back();
  }
  void recall(std::uint64_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) damaged();
    stack_.push_back(found->second);
  }

  void long_integer(std::uint64_t size) {
    const std::string_view bytes = take(size);
    if (bytes.size() > sizeof(std::int64_t)) return push_text(bytes, Kind::kLong);
    std::uint64_t value = !bytes.empty() && (bytes.back() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    std::memcpy(&value, bytes.data(), bytes.size());
    push_integer(static_cast<std::int64_t>(value));
  }
  void global(const std::string& module, const std::string& what) {
    // Two short instructions repeat what they name; long names would add up without an end.
    if (module.size() > kLongestName || what.size() > kLongestName) damaged();
    push_text(module + " " + what, Kind::kGlobal);
  }
  void stack_global() {
    const std::size_t what = pop(), module = pop();
    const std::vector<PickleValue>& values = pickle_.values;
    if (values[what].kind != Kind::kText || values[module].kind != Kind::kText) damaged();
    global(values[module].text, values[what].text);
  }
  void call() {
    const std::size_t arguments = pop(), callable = pop();
    const std::vector<PickleValue>& values = pickle_.values;
    if (values[callable].kind != Kind::kGlobal || values[arguments].kind != Kind::kTuple) damaged();
    const bool is_dict =
        values[callable].text == "collections OrderedDict" && values[arguments].items.empty();
    if (is_dict) return push_items(Kind::kDict, {});
    push_items(Kind::kCall, {callable, arguments});
  }
  void protocol() {
    const int version = number<std::uint8_t>();
    if (version < 2 || version > 5) {
      refuse("its pickle has protocol " + std::to_string(version) + ", not 2 to 5");
    }
  }

  /// Carries out one instruction; false after the last.
  bool step();

  const std::string& name_;
  std::string_view bytes_;
  std::size_t at_ = 0;
  Pickle pickle_;
  std::vector<std::size_t> stack_, marks_;
  std::map<std::uint64_t, std::size_t> memo_;
};

bool Unpickler::step() {
  switch (const auto opcode = number<std::uint8_t>()) {
    case 0x80:
      protocol();
      break;
    case 0x95:
      number<std::uint64_t>();
      break;  // a frame's length
    case '.':
      pickle_.root = pop();
      return false;
    case '(':
      marks_.push_back(stack_.size());
      break;
    case '0':
      pop();
      break;
    case '1':
      pop_to_mark();
      break;

    case 'N':
      push({});
      break;
    case 0x88:
      push_integer(1);
      break;
    case 0x89:
      push_integer(0);
      break;
    case 'J':
      push_integer(number<std::int32_t>());
      break;
    case 'K':
      push_integer(number<std::uint8_t>());
      break;
    case 'M':
      push_integer(number<std::uint16_t>());
      break;
    case 0x8a:
      long_integer(number<std::uint8_t>());
      break;
    case 0x8b:
      long_integer(number<std::uint32_t>());
      break;
    case 'G': {  // big-endian
      const double real = std::bit_cast<double>(__builtin_bswap64(number<std::uint64_t>()));
      push({Kind::kReal, 0, real});
      break;
    }
    case 0x8c:
    case 'U':
    case 'C':
      push_text(take(number<std::uint8_t>()));
      break;
    case 'X':
    case 'T':
    case 'B':
      push_text(take(number<std::uint32_t>()));
      break;
    case 0x8d:
    case 0x8e:
      push_text(take(number<std::uint64_t>()));
      break;

    case ')':
    case ']':
      push_items(Kind::kTuple, {});
      break;
    case '}':
      push_items(Kind::kDict, {});
      break;
    case 't':
    case 'l':
      push_items(Kind::kTuple, pop_to_mark());
      break;
    case 0x85:
      push_items(Kind::kTuple, pop_last(1));
      break;
    case 0x86:
      push_items(Kind::kTuple, pop_last(2));
      break;
    case 0x87:
      push_items(Kind::kTuple, pop_last(3));
      break;
    case 'a':
      append(Kind::kTuple, pop_last(1));
      break;
    case 'e':
      append(Kind::kTuple, pop_to_mark());
      break;
    case 's':
      append(Kind::kDict, pop_last(2));
      break;
    case 'u':
      append(Kind::kDict, pop_to_mark());
      break;

    case 'q':
      remember(number<std::uint8_t>());
      break;
    case 'r':
      remember(number<std::uint32_t>());
      break;
    case 0x94:
      remember(memo_.size());
      break;
    case 'h':
      recall(number<std::uint8_t>());
      break;
    case 'j':
      recall(number<std::uint32_t>());
      break;

    case 'c': {
      const std::string module = line();
      global(module, line());
      break;
    }
    case 0x93:
      stack_global();
      break;
    case 'R':
    case 0x81:
      call();
      break;
    case 'b':
      pop();
      break;
    case 'Q':
      push_items(Kind::kPersistent, pop_last(1));
      break;
    default:
      refuse("its pickle has an instruction (" + std::to_string(opcode) +
             ") that no file of tensors needs");
  }
  return true;
}

}  // namespace

Pickle take_pickle(const std::string& name, std::string_view& bytes) {
  Unpickler unpickler(name, bytes);
  Pickle pickle = unpickler.run();
  bytes.remove_prefix(unpickler.taken());
  return pickle;
}

}  // namespace afterglow
