#include "simt/planted.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "simt/machine.hpp"

namespace afterglow {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;

#if defined(__SANITIZE_THREAD__)
constexpr bool kThreadSanitizer = true;
#else
constexpr bool kThreadSanitizer = false;
#endif
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kAddressSanitizer = true;  // and UndefinedBehaviorSanitizer: see the asan preset
#else
constexpr bool kAddressSanitizer = false;
#endif

constexpr std::size_t kGuards = 16;  // floats on either side, which keep the values aligned
constexpr float kGuard = 12345.0F;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// What a program writes to stderr, and how it ends, in a child: a sanitizer ends a process.
std::string in_child(const std::function<void()>& program) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  std::fflush(nullptr);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    signal(SIGSEGV, SIG_DFL);  // not Catch's handlers, which would report a failed test
    signal(SIGABRT, SIG_DFL);
    try {
      program();
    } catch (const std::exception& e) {
      std::fprintf(stderr, "threw: %s\n", e.what());
    }
    _exit(0);
  }
  close(ends[1]);
  std::string said;
  char buffer[512];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;) {
    said.append(buffer, static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return said + (WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                     : "exit " + std::to_string(WEXITSTATUS(status)));
}

/// Values whose sum depends on the order: those of blocks 1 and 2 cancel.
float value(int number) {
  const int block = number / planted::kThreads;
  const float large = 1e7F * static_cast<float>(number % planted::kThreads + 1);
  return block == 1 ? large : block == 2 ? -large : 0.7F + 0.1F * static_cast<float>(number);
}

void say(const char* finding) { std::fprintf(stderr, "%s\n", finding); }

/// Runs a kernel between guard words; says what is wrong about its result.
std::vector<float> result_of(planted::Planted& kernel, bool bug) {
  std::vector<float> x(planted::kValues + 2 * kGuards, kNan);
  for (int i = 0; i < planted::kValues; ++i) x[kGuards + static_cast<std::size_t>(i)] = value(i);
  std::vector<float> out(x.size(), kGuard);
  const auto begin = out.begin() + kGuards, end = begin + planted::kValues;
  std::fill(begin, end, kNan);
  kernel(bug, x.data() + kGuards, out.data() + kGuards);
  const auto is_guard = [](float word) { return word == kGuard; };
  if (!std::all_of(out.begin(), begin, is_guard) || !std::all_of(end, out.end(), is_guard)) {
    say("a guard word changed");
  }
  if (std::any_of(begin, end, [](float word) { return std::isnan(word); })) say("NaN");
  return {begin, end};
}

/// What is found about a kernel, in all orders. "exit 0" when nothing is.
std::string findings(planted::Planted& kernel, bool bug) {
  return in_child([&] {
    const std::vector<float> first = result_of(kernel, bug);
    const auto compare = [&](simt::Order order, unsigned seed) {
      simt::set_order(order, seed);
      const std::vector<float> other = result_of(kernel, bug);
      if (std::memcmp(first.data(), other.data(), first.size() * sizeof(float)) != 0) {
        say("other bits in another order");
      }
    };
    compare(simt::Order::kReverse, 0);
    for (unsigned seed = 1; seed <= 3; ++seed) compare(simt::Order::kShuffled, seed);
  });
}

void check_twin(planted::Planted& kernel) { CHECK(findings(kernel, false) == "exit 0"); }

void check_found(planted::Planted& kernel, const std::string& what) {
  CHECK_THAT(findings(kernel, true), Contains(what));
  check_twin(kernel);
}

/// Other bits in another order, and what ThreadSanitizer says.
void check_race(planted::Planted& kernel) {
  const std::string found = findings(kernel, true);
  CHECK_THAT(found, Contains("other bits in another order"));
  if (kThreadSanitizer) CHECK_THAT(found, Contains("data race") && EndsWith("exit 66"));
  check_twin(kernel);
}

TEST_CASE("a race of the threads of a block is found", "[simt][threads]") {
  SECTION("missing barrier") { check_race(planted::missing_barrier); }
  SECTION("missing second barrier") { check_race(planted::missing_second_barrier); }
  SECTION("missing barrier of a warp") { check_race(planted::missing_warp_barrier); }
  SECTION("two threads write a word") { check_race(planted::two_writers); }
}

TEST_CASE("a race of blocks is found", "[simt][threads]") {
  SECTION("the last number is not the last block") { check_race(planted::last_number_is_last); }
  SECTION("a sum in the order of blocks") { check_race(planted::block_order_sum); }
}

TEST_CASE("a lost update is found by ThreadSanitizer alone", "[simt][threads]") {
  // The machine lets no thread in between the load and the store, whatever the order.
  const std::string found = findings(planted::lost_update, true);
  if (kThreadSanitizer) {
    CHECK_THAT(found, Contains("data race") && EndsWith("exit 66"));
  } else {
    CHECK(found == "exit 0");
  }
  check_twin(planted::lost_update);
}

TEST_CASE("a barrier that not all threads reach is found", "[simt][threads]") {
  SECTION("early return") {
    check_found(planted::early_return, "deadlock: 54 threads at __syncthreads");
  }
  SECTION("in a branch") {
    check_found(planted::barrier_in_branch, "deadlock: 32 threads at __syncthreads");
  }
  SECTION("one in each branch") {
    check_found(planted::barrier_in_each_branch, "while others wait in");
  }
}

TEST_CASE("lanes that do not meet are found", "[simt][threads]") {
  SECTION("lane not in mask") {
    check_found(planted::lane_not_in_mask, "lane 2 is not in the mask that it gives");
  }
  SECTION("lane never comes") {
    check_found(planted::lane_never_comes, "32 among lanes that do not all come");
  }
  SECTION("different masks") { check_found(planted::different_masks, "different masks"); }
  SECTION("different words") { check_found(planted::different_words, "different words"); }
  SECTION("reads outside of the mask") {
    check_found(planted::reads_outside_of_mask, "lane 8 reads lane 16, which is not in the mask");
  }
  SECTION("odd width") { check_found(planted::odd_width, "shuffles in a width of 12"); }
}

TEST_CASE("shared memory that the block did not write is NaN", "[simt]") {
  SECTION("uninitialised") { check_found(planted::uninitialised_shared, "NaN"); }
  SECTION("of the block before") { check_found(planted::kept_from_block, "NaN"); }
}

TEST_CASE("an access out of bounds is found", "[simt][threads]") {
  SECTION("read") { check_found(planted::read_out_of_bounds, "NaN"); }
  SECTION("write") { check_found(planted::write_out_of_bounds, "a guard word changed"); }
}

TEST_CASE("an access out of bounds is found by the sanitizers without guard words", "[simt]") {
  const auto bare = [](planted::Planted& kernel) {
    return in_child([&] {
      const std::vector<float> x(planted::kValues);
      std::vector<float> out(planted::kValues);
      kernel(kAddressSanitizer, x.data(), out.data());
    });
  };
  const std::string expected = kAddressSanitizer ? "heap-buffer-overflow" : "exit 0";
  CHECK_THAT(bare(planted::read_out_of_bounds), Contains(expected));
  CHECK_THAT(bare(planted::write_out_of_bounds), Contains(expected));
  // One variable's neighbours in shared memory are others: the array's own bounds alone tell.
  if (kAddressSanitizer) {
    CHECK_THAT(bare(planted::shared_out_of_bounds), Contains("out of bounds"));
  }
  check_twin(planted::shared_out_of_bounds);
}

TEST_CASE("a misaligned vector is found", "[simt][threads]") {
  SECTION("load") { check_found(planted::misaligned_load, "misaligned address"); }
  SECTION("store") { check_found(planted::misaligned_store, "misaligned address"); }
  SECTION("a word of four bytes, by UndefinedBehaviorSanitizer alone") {
    // A plain unsigned, of which words.hpp sees nothing.
    if (kAddressSanitizer) {
      check_found(planted::misaligned_word, "misaligned address");
    } else {
      check_twin(planted::misaligned_word);
    }
  }
}

TEST_CASE("a launch out of range is found", "[simt]") {
  SECTION("threads") { check_found(planted::too_many_threads, "1 to 1024 threads"); }
  SECTION("no threads") { check_found(planted::no_threads, "1 to 1024 threads"); }
  SECTION("threads along z") { check_found(planted::too_deep_a_block, "64 along z"); }
  SECTION("blocks along y") {
    check_found(planted::too_many_rows_of_blocks, "1 to 65535 blocks along y and z");
  }
}

}  // namespace
}  // namespace afterglow
