// Commands of this very program in processes of their own: what goes wrong in one costs no other.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace afterglow {

/// `afterglow ARGUMENTS...` in a child process. It is in a process group of its own, so that a
/// terminal's Ctrl-C reaches it through interrupt() alone, and it dies with the thread that started
/// it.
class ChildProcess {
 public:
  /// What the child prints is added to the file `output`. `threads`: OMP_NUM_THREADS of the child,
  /// 0 for whatever this process has. Throws RunError when it cannot be started, InputError when
  /// `output` cannot be written.
  ChildProcess(const std::vector<std::string>& arguments, const std::filesystem::path& output,
               int threads);
  /// Kills the child when it still runs, and waits for its end.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Nothing while it runs; then its exit code, or 128 plus the signal that ended it.
  std::optional<int> exit_code();
  /// Asks it once to put its work down safely (SIGINT); no effect when it has ended.
  void interrupt();

 private:
  pid_t pid_ = -1;
  bool interrupted_ = false;
  std::optional<int> exit_code_;
};

}  // namespace afterglow
