#include "base/limited_child.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

using Catch::Contains;
using Lock = std::function<void()>;

constexpr ChildLimits kLimits{std::uint64_t{64} << 20, 1};

/// What is said when `send` is the child's work, of which one letter is wanted.
std::string complaint(const std::function<void(std::FILE*, const Lock&)>& send) {
  try {
    in_limited_child("f", kLimits, send, [](std::FILE* pipe) { return std::fgetc(pipe) == 'k'; });
  } catch (const InputError& e) {
    return e.what();
  }
  return "";
}

volatile std::uint64_t sink = 0;

// A sanitizer's allocator ends the process by itself, if it can write why.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr const char* kNoMemory = "f: ";
#else
constexpr const char* kNoMemory = "asks for too much memory";
#endif

}  // namespace

TEST_CASE("what a child sends is received") {
  std::string received;
  in_limited_child(
      "f", kLimits,
      [](std::FILE* pipe, const Lock& lock) {
        lock();
        std::fputs("some words", pipe);
      },
      [&](std::FILE* pipe) {
        for (int c = 0; (c = std::fgetc(pipe)) != EOF;) received += static_cast<char>(c);
        return true;
      });
  CHECK(received == "some words");
}

TEST_CASE("whatever happens in a child becomes one line") {
  CHECK_THAT(complaint([](std::FILE*, const Lock&) { std::raise(SIGSEGV); }),
             Contains("f: makes its reader crash (signal 11)"));
  CHECK_THAT(complaint([](std::FILE*, const Lock&) { std::abort(); }), Contains("signal 6"));
  CHECK_THAT(complaint([](std::FILE*, const Lock&) { throw std::runtime_error("no"); }),
             Contains("cannot be read"));
  CHECK_THAT(complaint([](std::FILE* pipe, const Lock&) { std::fputc('x', pipe); }),
             Contains("cannot be read"));
  CHECK_THAT(complaint([](std::FILE*, const Lock&) {}), Contains("cannot be read"));
}

TEST_CASE("a child's time, memory and writing are limited before it is locked, too") {
  CHECK_THAT(complaint([](std::FILE*, const Lock&) {
               while (true) sink = sink + 1;
             }),
             Contains("takes too long"));
  CHECK_THAT(complaint([](std::FILE* pipe, const Lock&) {
               std::vector<char> much(2 * kLimits.memory, 'm');
               std::fputc(much.back() == 'm' ? 'k' : 'x', pipe);
             }),
             Contains(kNoMemory));
  const TemporaryFolder folder;
  CHECK_THAT(complaint([&](std::FILE*, const Lock&) {
               std::ofstream(folder.path() / "f") << "words" << std::flush;
             }),
             Contains("signal 25"));  // SIGXFSZ
}

TEST_CASE("a locked child has its open files, and no more") {
  CHECK(complaint([](std::FILE* pipe, const Lock& lock) {
          lock();
          std::fputc(open("/proc/self/status", O_RDONLY) < 0 ? 'k' : 'x', pipe);
        }).empty());
  CHECK(complaint([](std::FILE* pipe, const Lock&) {
          std::fputc(open("/proc/self/status", O_RDONLY) < 0 ? 'x' : 'k', pipe);
        }).empty());
}

TEST_CASE("what the receiver throws comes through, and the child is gone") {
  CHECK_THROWS_AS(in_limited_child(
                      "f", kLimits,
                      [](std::FILE* pipe, const Lock&) {
                        while (std::fputs("more and more", pipe) >= 0) {
                        }
                      },
                      [](std::FILE*) -> bool { throw RunError("enough"); }),
                  RunError);
}

}  // namespace afterglow
