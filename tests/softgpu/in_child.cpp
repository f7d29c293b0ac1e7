#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "softgpu/host.hpp"

namespace host {

std::string in_child(const std::function<void()>& program) {
  int ends[2];
  if (pipe(ends) != 0) throw Error("pipe");
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) throw Error("fork");
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    signal(SIGSEGV, SIG_DFL);  // not Catch's handler, which would report a failed test
    softgpu::explain_faults();
    try {
      program();
    } catch (const std::exception& e) {
      std::fprintf(stderr, "threw %s\n", e.what());
    }
    _exit(0);  // the parent's handlers and leak checks are not the child's
  }
  close(ends[1]);
  std::string said;
  char buffer[512];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;) {
    said.append(buffer, static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return said + (WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                     : "exit " + std::to_string(WEXITSTATUS(status)));
}

}  // namespace host
