// Built without -fsanitize=thread: it must not see the scheduler's own accesses as threads' of the
// kernel, and loses count of calls where a fiber is left inside of an instrumented function.
#include "simt/machine.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <boost/context/detail/fcontext.hpp>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#if defined(SIMT_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(SIMT_THREAD_SANITIZER)
#include <sanitizer/tsan_interface.h>
// Its words for Java's heaps, which have no header: memory that is allocated anew is nobody's.
extern "C" void __tsan_java_init(std::uintptr_t heap, std::uintptr_t bytes);
extern "C" void __tsan_java_alloc(std::uintptr_t at, std::uintptr_t bytes);
extern "C" void __tsan_java_free(std::uintptr_t at, std::uintptr_t bytes);
#endif

// Declared as in words.hpp, which is not for this file.
struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
};
uint3 threadIdx{}, blockIdx{};
dim3 blockDim{}, gridDim{};

// The section of all shared variables; absent where no kernel has any.
extern "C" unsigned char __start_simt_shared[] __attribute__((weak));
extern "C" unsigned char __stop_simt_shared[] __attribute__((weak));

namespace simt {
namespace {

// Unlike swapcontext, no call of the system for every switch.
using boost::context::detail::fcontext_t;
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

constexpr unsigned kWarp = 32;
constexpr unsigned kMostThreads = 1024;
constexpr unsigned kMostDeep = 64;       // threads along z
constexpr unsigned kMostBlocks = 65535;  // along y and z
constexpr std::size_t kStackBytes = std::size_t{128} << 10;

Order chosen_order = Order::kForward;
unsigned chosen_seed = 0;

/// 0, 1, ... in the chosen order.
std::vector<unsigned> ordered(std::size_t count) {
  std::vector<unsigned> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0U);
  if (chosen_order == Order::kReverse) std::reverse(numbers.begin(), numbers.end());
  if (chosen_order == Order::kShuffled) {
    std::shuffle(numbers.begin(), numbers.end(), std::mt19937(chosen_seed));
  }
  return numbers;
}

enum class State { kNew, kReady, kAtBarrier, kInWarp, kReturned };

/// A stack of its own. From mmap, so that a stack anew is nobody's memory to ThreadSanitizer.
struct Fiber {
  Fiber() {
    void* const memory =
        mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    stack = memory;
#if defined(SIMT_THREAD_SANITIZER)
    thread = __tsan_create_fiber(0);
#endif
  }
  ~Fiber() {
#if defined(SIMT_THREAD_SANITIZER)
    __tsan_destroy_fiber(thread);
#endif
#if defined(SIMT_ADDRESS_SANITIZER)
    __asan_unpoison_memory_region(stack, kStackBytes);  // frames that a fault left
#endif
    munmap(stack, kStackBytes);
  }
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  void prepare(void (*main)(transfer_t)) {
#if defined(SIMT_ADDRESS_SANITIZER)
    __asan_unpoison_memory_region(stack, kStackBytes);  // of frames that never returned
#endif
    context = make_fcontext(static_cast<std::byte*>(stack) + kStackBytes, kStackBytes, main);
  }

  fcontext_t context = nullptr;  // where it goes on
  void* stack = nullptr;
  void* shadow = nullptr;  // AddressSanitizer's
  void* thread = nullptr;  // ThreadSanitizer's
};

// The words that read no single lane. They differ from the shuffles' picks and from each other,
// which is how lanes that meet in different words are found.
constexpr Pick kVotes = [](unsigned, unsigned, unsigned) { return kWarp; };
constexpr Pick kSync = [](unsigned lane, unsigned, unsigned) { return lane; };

struct Lane {
  std::uint32_t mask = 0;  // the lanes it waits for, with itself; 0 when it does not
  Pick word = nullptr;
  unsigned source = 0;  // the lane it reads; kWarp for all votes
  std::uint64_t bits = 0, got = 0;
};

struct Warp {
  Lane lanes[kWarp];
};

/// The block that runs.
class Block {
 public:
  Block(const Extent& shape, const std::function<void()>& body)
      : shape_(shape),
        body_(body),
        order_(ordered(shape.count())),
        state_(shape.count()),
        fiber_of_(shape.count()) {}
  ~Block() { acquire(this); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  void run() {
    running = this;
    std::fill(state_.begin(), state_.end(), State::kNew);
    // New memory: what ThreadSanitizer knows of the places where the block before met is gone.
    warps_ = std::vector<Warp>((state_.size() + kWarp - 1) / kWarp);
    barriers_ = std::vector<std::uint64_t>(2);
    next_new_ = waiting_ = 0;
    alive_ = static_cast<unsigned>(state_.size());
    poison_shared_memory();
    while (alive_ > 0) {
      if (!step() && !open_barrier()) throw Fault(deadlock());
    }
    running = nullptr;
  }

  void sync(Line line) {
    if (waiting_ == 0) barrier_ = line;
    if (std::strcmp(barrier_.file, line.file) != 0 || barrier_.number != line.number) {
      throw Fault("__syncthreads in line " + std::to_string(line.number) +
                  " while others wait in " + std::to_string(barrier_.number));
    }
    ++waiting_;
    // Two in turn: a quick thread may come to the next barrier before a slow one has left this.
    std::uint64_t& barrier = barriers_[turn_];
    release(&barrier);
    wait(State::kAtBarrier);
    acquire(&barrier);
  }

  /// Meets the other lanes of the mask.
  std::uint64_t exchange(std::uint32_t mask, std::uint64_t bits, Pick word, unsigned argument,
                         unsigned width) {
    const unsigned number = self_ % kWarp;
    const auto name = [&] { return "lane " + std::to_string(number); };
    if (!has(mask, number)) throw Fault(name() + " is not in the mask that it gives");
    if (!std::has_single_bit(width) || width > kWarp) {
      throw Fault(name() + " shuffles in a width of " + std::to_string(width));
    }
    const unsigned source = word(number, argument, width);
    if (source < kWarp && !has(mask, source)) {
      throw Fault(name() + " reads lane " + std::to_string(source) + ", which is not in the mask");
    }
    Warp& warp = warps_[self_ / kWarp];
    Lane& own = warp.lanes[number];
    own = {mask, word, source, bits, 0};
    if (word == kSync) release(&own);
    if (all_here(warp, own, number)) {
      hand_out(warp, mask);
    } else {
      wait(State::kInWarp);
    }
    if (word == kSync) acquire(&own);
    return own.got;
  }

  static inline Block* running = nullptr;

 private:
  static bool has(std::uint32_t mask, unsigned lane) { return (mask >> lane & 1U) != 0; }

  /// True when all lanes of the own one's mask wait for this meeting.
  static bool all_here(const Warp& warp, const Lane& own, unsigned number) {
    bool all = true;
    for (unsigned other = 0; other < kWarp; ++other) {
      if (!has(own.mask, other)) continue;
      const Lane& lane = warp.lanes[other];
      if (has(lane.mask, number) && lane.mask != own.mask) {
        throw Fault("lanes of a warp give different masks");
      }
      if (lane.mask == own.mask && lane.word != own.word) {
        throw Fault("lanes of a warp meet in different words");
      }
      all = all && lane.mask == own.mask;
    }
    return all;
  }

  /// Gives every lane what it came for, at once: a quick one may soon bring new bits.
  void hand_out(Warp& warp, std::uint32_t mask) {
    std::uint64_t votes = 0;
    for (unsigned lane = 0; lane < kWarp; ++lane) {
      if (!has(mask, lane)) continue;
      if (warp.lanes[lane].bits != 0) votes |= std::uint64_t{1} << lane;
      if (warp.lanes[lane].word == kSync) acquire(&warp.lanes[lane]);
    }
    for (unsigned number = 0; number < kWarp; ++number) {
      if (!has(mask, number)) continue;
      Lane& lane = warp.lanes[number];
      lane.got = lane.source < kWarp ? warp.lanes[lane.source].bits : votes;
      lane.mask = 0;
      if (lane.word == kSync) release(&lane);
      State& state = state_[self_ / kWarp * kWarp + number];
      if (state == State::kInWarp) state = State::kReady;
    }
  }

  static void poison_shared_memory() {
    if (__start_simt_shared == nullptr) return;
#if defined(SIMT_THREAD_SANITIZER)
    // Blocks have the same addresses, but not the same memory.
    const auto from = reinterpret_cast<std::uintptr_t>(__start_simt_shared) / 8 * 8;
    const auto to = (reinterpret_cast<std::uintptr_t>(__stop_simt_shared) + 7) / 8 * 8;
    static const bool once = (__tsan_java_init(from, to - from), true);
    static_cast<void>(once);
    __tsan_java_free(from, to - from);
    __tsan_java_alloc(from, to - from);
#endif
    std::memset(__start_simt_shared, 0xFF,
                static_cast<std::size_t>(__stop_simt_shared - __start_simt_shared));
  }

  /// Lets every thread that can run go on until it waits or returns. False when none could.
  bool step() {
    bool progress = false;
    while (next_new_ < order_.size()) {
      progress = true;
      start();
    }
    for (const unsigned thread : order_) {
      if (state_[thread] != State::kReady) continue;
      progress = true;
      self_ = thread;
      resume(*fiber_of_[thread]);
    }
    return progress;
  }

  bool open_barrier() {
    if (waiting_ != state_.size()) return false;
    waiting_ = 0;
    turn_ ^= 1U;
    for (State& state : state_) {
      if (state == State::kAtBarrier) state = State::kReady;
    }
    return true;
  }

  /// Runs new threads on a fiber, one after the other, until one waits.
  void start() {
    std::unique_ptr<Fiber> fiber;
    if (spare_.empty()) {
      fiber = std::make_unique<Fiber>();
    } else {
      fiber = std::move(spare_.back());
      spare_.pop_back();
    }
    fiber->prepare(&Block::fiber_main);
    starting_ = std::move(fiber);
    resume(*starting_);
  }

  static void fiber_main(transfer_t from) {
    Block& block = *running;
    block.main_ = from.fctx;
    block.arrived_in_fiber(nullptr);
    do {
      block.self_ = block.order_[block.next_new_++];
      block.fiber_of_[block.self_] = std::move(block.starting_);
      block.run_thread();
      // The fiber goes on with the next thread, but under ThreadSanitizer, to which a fiber is what
      // the machine calls a thread.
      block.starting_ = std::move(block.fiber_of_[block.self_]);
    } while (kReusesFibers && !block.fault_ && block.next_new_ < block.order_.size());
    block.leave_for_good();
  }

  void run_thread() {
    place();
    try {
      body_();
    } catch (...) {
      fault_ = std::current_exception();  // it cannot unwind past the fiber's start
    }
    state_[self_] = State::kReturned;
    --alive_;
  }

  void place() {
    threadIdx = {self_ % shape_.x, self_ / shape_.x % shape_.y, self_ / (shape_.x * shape_.y)};
  }

  void resume(Fiber& fiber) {
    current_ = &fiber;
    place();
#if defined(SIMT_ADDRESS_SANITIZER)
    __sanitizer_start_switch_fiber(&main_shadow_, fiber.stack, kStackBytes);
#endif
#if defined(SIMT_THREAD_SANITIZER)
    main_thread_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber.thread, __tsan_switch_to_fiber_no_sync);
#endif
    fiber.context = jump_fcontext(fiber.context, nullptr).fctx;
#if defined(SIMT_ADDRESS_SANITIZER)
    __sanitizer_finish_switch_fiber(main_shadow_, nullptr, nullptr);
#endif
    if (std::exchange(ended_, false)) {  // nothing runs on it any more
      if (kReusesFibers) spare_.push_back(std::move(starting_));
      starting_.reset();
    }
    if (fault_) std::rethrow_exception(std::exchange(fault_, nullptr));
  }

  void arrived_in_fiber([[maybe_unused]] void* shadow) {
#if defined(SIMT_ADDRESS_SANITIZER)
    __sanitizer_finish_switch_fiber(shadow, &main_bottom_, &main_size_);
#endif
  }

  void wait(State state) {
    state_[self_] = state;
    release(this);
    Fiber& fiber = *current_;
#if defined(SIMT_ADDRESS_SANITIZER)
    __sanitizer_start_switch_fiber(&fiber.shadow, main_bottom_, main_size_);
#endif
#if defined(SIMT_THREAD_SANITIZER)
    __tsan_switch_to_fiber(main_thread_, __tsan_switch_to_fiber_no_sync);
#endif
    main_ = jump_fcontext(main_, nullptr).fctx;
    arrived_in_fiber(fiber.shadow);
  }

  void leave_for_good() {
    ended_ = true;
    release(this);
#if defined(SIMT_ADDRESS_SANITIZER)
    __sanitizer_start_switch_fiber(nullptr, main_bottom_, main_size_);
#endif
#if defined(SIMT_THREAD_SANITIZER)
    __tsan_switch_to_fiber(main_thread_, __tsan_switch_to_fiber_no_sync);
#endif
    jump_fcontext(main_, nullptr);
    std::abort();  // nobody resumes it
  }

  // For ThreadSanitizer, barriers and atomics are all that orders two threads' accesses, and
  // atomics those of two blocks. The launch as a whole, `this`, comes before what follows it.
  static void release([[maybe_unused]] void* at) {
#if defined(SIMT_THREAD_SANITIZER)
    __tsan_release(at);
#endif
  }
  static void acquire([[maybe_unused]] void* at) {
#if defined(SIMT_THREAD_SANITIZER)
    __tsan_acquire(at);
#endif
  }

  std::string deadlock() const {
    const auto count = [this](State state) {
      return std::to_string(std::count(state_.begin(), state_.end(), state));
    };
    return "deadlock: " + count(State::kAtBarrier) + " threads at __syncthreads, " +
           count(State::kInWarp) + " among lanes that do not all come, " + count(State::kReturned) +
           " returned";
  }

#if defined(SIMT_THREAD_SANITIZER)
  static constexpr bool kReusesFibers = false;
#else
  static constexpr bool kReusesFibers = true;
#endif

  Extent shape_;
  const std::function<void()>& body_;
  std::vector<unsigned> order_;
  std::vector<State> state_;
  std::vector<std::unique_ptr<Fiber>> fiber_of_;  // of threads that wait or run
  std::vector<std::unique_ptr<Fiber>> spare_;
  std::unique_ptr<Fiber> starting_;
  Fiber* current_ = nullptr;
  std::vector<Warp> warps_;
  std::vector<std::uint64_t> barriers_;
  fcontext_t main_ = nullptr;  // where the machine goes on
  std::exception_ptr fault_;
  unsigned self_ = 0, next_new_ = 0, waiting_ = 0, alive_ = 0, turn_ = 0;
  bool ended_ = false;
  Line barrier_{"", 0};
#if defined(SIMT_ADDRESS_SANITIZER)
  void* main_shadow_ = nullptr;
  const void* main_bottom_ = nullptr;
  std::size_t main_size_ = 0;
#endif
#if defined(SIMT_THREAD_SANITIZER)
  void* main_thread_ = nullptr;
#endif
};

}  // namespace

void set_order(Order order, unsigned seed) {
  chosen_order = order;
  chosen_seed = seed;
}

void run(const Extent& grid, const Extent& block, const std::function<void()>& body) {
  if (grid.count() == 0 || grid.y > kMostBlocks || grid.z > kMostBlocks) {
    throw Fault("a grid has 1 to 65535 blocks along y and z, and some along x");
  }
  if (block.count() == 0 || block.count() > kMostThreads || block.z > kMostDeep) {
    throw Fault("a block has 1 to 1024 threads, and 64 along z at most");
  }
  gridDim = {grid.x, grid.y, grid.z};
  blockDim = {block.x, block.y, block.z};
  Block runner(block, body);
  for (const unsigned number : ordered(grid.count())) {
    blockIdx = {number % grid.x, number / grid.x % grid.y, number / (grid.x * grid.y)};
    runner.run();
  }
}

void sync_block(Line line) { Block::running->sync(line); }
void fence() { std::atomic_thread_fence(std::memory_order_seq_cst); }
void sync_warp(std::uint32_t mask) { Block::running->exchange(mask, 0, kSync, 0, kWarp); }
std::uint64_t exchange(std::uint32_t mask, std::uint64_t bits, Pick pick, unsigned argument,
                       unsigned width) {
  return Block::running->exchange(mask, bits, pick, argument, width);
}
std::uint32_t ballot(std::uint32_t mask, bool predicate) {
  return static_cast<std::uint32_t>(
      Block::running->exchange(mask, predicate ? 1 : 0, kVotes, 0, kWarp));
}

void require_aligned(const void* at, std::size_t bytes) {
  if (reinterpret_cast<std::uintptr_t>(at) % bytes != 0) {
    throw Fault("misaligned address of a vector of " + std::to_string(bytes) + " bytes");
  }
}

}  // namespace simt
