// Runs the program (or any other) as a user would: arguments in, exit code and both streams out,
// signals on the way.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace afterglow::test {

/// What is left of a program that has ended.
struct ProgramResult {
  int exit_code = -1;  // -1 when a signal ended it
  int signal = 0;      // the signal that ended it, else 0
  std::string out;     // standard output
  std::string err;     // standard error
};

/// A program on its way. Its streams go to unlinked temporary files, so it never waits for a
/// reader.
class RunningProgram {
 public:
  /// Starts `program` (a path, or a name looked up in PATH) with `arguments`.
  RunningProgram(const std::string& program, const std::vector<std::string>& arguments)
      : out_(open_unlinked()), err_(open_unlinked()) {
    std::vector<char*> argv{const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    std::fflush(nullptr);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
    if (pid_ == 0) {
      const int nothing = ::open("/dev/null", O_RDONLY);
      ::dup2(nothing, STDIN_FILENO);
      ::dup2(out_, STDOUT_FILENO);
      ::dup2(err_, STDERR_FILENO);
      ::execvp(argv[0], argv.data());
      ::_exit(127);  // the shell's code for "not found"
    }
  }
  /// Kills the program if it still runs.
  ~RunningProgram() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      int status = 0;
      ::waitpid(pid_, &status, 0);
    }
    ::close(out_);
    ::close(err_);
  }
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  /// Sends a signal; no effect once it has ended.
  void send(int signal) const {
    if (pid_ > 0) ::kill(pid_, signal);
  }
  /// What it has written so far.
  std::string out() const { return read_all(out_); }
  std::string err() const { return read_all(err_); }
  /// True until it has ended (then wait() does not block).
  bool running() const {
    siginfo_t info{};
    return pid_ > 0 &&
           ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
  }

  /// Waits for the end, once.
  ProgramResult wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0) {
      if (errno != EINTR) throw std::runtime_error(std::string("waitpid: ") + std::strerror(errno));
    }
    pid_ = -1;
    ProgramResult result;
    if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
    result.out = out();
    result.err = err();
    return result;
  }

 private:
  static int open_unlinked() {
    const char* folder = std::getenv("TMPDIR");
    std::string name =
        std::string(folder == nullptr ? "/tmp" : folder) + "/afterglow-stream-XXXXXX";
    const int file = ::mkostemp(name.data(), O_CLOEXEC);
    if (file < 0) throw std::runtime_error(name + ": " + std::strerror(errno));
    ::unlink(name.c_str());
    return file;
  }

  static std::string read_all(int file) {
    std::string text;
    char piece[4096];
    for (;;) {
      const ssize_t count = ::pread(file, piece, sizeof piece, static_cast<off_t>(text.size()));
      if (count <= 0) return text;
      text.append(piece, static_cast<std::size_t>(count));
    }
  }

  int out_;
  int err_;
  pid_t pid_ = -1;
};

/// Runs a program to its end.
inline ProgramResult run_to_end(const std::string& program,
                                const std::vector<std::string>& arguments) {
  return RunningProgram(program, arguments).wait();
}

#ifdef AFTERGLOW_PROGRAM
/// Runs afterglow to its end.
inline ProgramResult run_afterglow(const std::vector<std::string>& arguments) {
  return run_to_end(AFTERGLOW_PROGRAM, arguments);
}
#endif

}  // namespace afterglow::test
