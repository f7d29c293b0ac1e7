#include "base/limited_child.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <memory>
#include <new>

#include "base/error.hpp"

namespace afterglow {
namespace {

constexpr const char* kRemedy = "get the file again, or give another";
constexpr int kOutOfMemory = 3;  // the child's exit status

void limit(int resource, rlim_t value) {
  rlimit now{};
  if (getrlimit(resource, &now) != 0) _exit(EXIT_FAILURE);
  now.rlim_cur = std::min(now.rlim_max, value);
  if (setrlimit(resource, &now) != 0) _exit(EXIT_FAILURE);
}

/// Memory that this process maps (bytes).
rlim_t mapped() {
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

/// All limits but that on open files.
void confine(const ChildLimits& limits) {
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, limits.seconds);
  limit(RLIMIT_AS, mapped() + limits.memory);
  limit(RLIMIT_FSIZE, 0);
}

struct ClosePipe {
  void operator()(std::FILE* pipe) const { std::fclose(pipe); }
};
using Pipe = std::unique_ptr<std::FILE, ClosePipe>;

/// How the child ended, in words; empty when it ended well.
std::string ending(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    if (WTERMSIG(status) == SIGXCPU) return "takes too long to read";
    return "makes its reader crash (signal " + std::to_string(WTERMSIG(status)) + ")";
  }
  if (WEXITSTATUS(status) == EXIT_SUCCESS) return "";
  return WEXITSTATUS(status) == kOutOfMemory ? "asks for too much memory" : "cannot be read";
}

}  // namespace

void in_limited_child(
    const std::string& subject, const ChildLimits& limits,
    const std::function<void(std::FILE* pipe, const std::function<void()>& lock)>& send,
    const std::function<bool(std::FILE* pipe)>& receive) {
  int ends[2];
  if (pipe(ends) != 0) throw RunError("a pipe to a child process cannot be made");
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) {
    close(ends[0]);
    close(ends[1]);
    throw RunError("a child process to read " + subject + " cannot be made");
  }
  if (child == 0) {
    close(ends[0]);
    for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGPIPE}) {
      std::signal(signal, SIG_DFL);
    }
    confine(limits);  // opening a file reads it already
    try {
      std::FILE* const pipe = fdopen(ends[1], "wb");
      send(pipe, [] { limit(RLIMIT_NOFILE, 0); });
      std::fflush(pipe);
    } catch (const std::bad_alloc&) {
      _exit(kOutOfMemory);
    } catch (...) {
      _exit(EXIT_FAILURE);
    }
    _exit(EXIT_SUCCESS);  // the parent's handlers and buffers are not the child's
  }
  close(ends[1]);
  std::exception_ptr thrown;
  bool whole = false;
  {
    const Pipe from(fdopen(ends[0], "rb"));  // closed first: a child that still writes then ends
    try {
      whole = receive(from.get());
    } catch (...) {
      thrown = std::current_exception();
    }
  }
  const std::string end = ending(child);
  if (thrown) std::rethrow_exception(thrown);
  if (!whole || !end.empty()) {
    throw InputError(subject, end.empty() ? "cannot be read" : end, kRemedy);
  }
}

}  // namespace afterglow
