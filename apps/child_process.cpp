#include "apps/child_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

#include "base/error.hpp"

namespace afterglow {
namespace {

constexpr int kCannotStart = 127;
constexpr int kSignalBase = 128;  // as shells report a signal
constexpr std::string_view kThreads = "OMP_NUM_THREADS=";

/// This process's environment, with the number of threads where one is given.
std::vector<std::string> environment_with(int threads) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (threads > 0 && std::string_view(*variable).starts_with(kThreads)) continue;
    variables.emplace_back(*variable);
  }
  if (threads > 0) variables.push_back(std::string(kThreads) + std::to_string(threads));
  return variables;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments,
                           const std::filesystem::path& output, int threads) {
  // All that allocates comes before fork().
  std::vector<std::string> texts{"afterglow"};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  const std::vector<char*> argv = pointers_to(texts);
  std::vector<std::string> variables = environment_with(threads);
  const std::vector<char*> environment = pointers_to(variables);
  const int file = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0) throw InputError(output.string(), std::strerror(errno), "make it writable");
  const pid_t parent = getpid();
  // A signal that comes before exec waits, and then ends the child instead of being lost in our
  // handler.
  sigset_t stops, before;
  sigemptyset(&stops);
  for (const int stop : {SIGINT, SIGTERM}) sigaddset(&stops, stop);
  sigprocmask(SIG_BLOCK, &stops, &before);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(kCannotStart);  // it died before that
    setpgid(0, 0);
    const int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    for (const int stop : {SIGINT, SIGTERM}) signal(stop, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    execve("/proc/self/exe", argv.data(), environment.data());
    _exit(kCannotStart);
  }
  const int reason = errno;
  sigprocmask(SIG_SETMASK, &before, nullptr);
  close(file);
  if (pid_ < 0) {
    throw RunError(std::string("cannot start a process: ") + std::strerror(reason) +
                   "; use fewer --jobs");
  }
}

ChildProcess::~ChildProcess() {
  if (exit_code_) return;
  kill(pid_, SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
}

std::optional<int> ChildProcess::exit_code() {
  int status = 0;
  if (!exit_code_ && waitpid(pid_, &status, WNOHANG) == pid_) {
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalBase + WTERMSIG(status);
  }
  return exit_code_;
}

void ChildProcess::interrupt() {
  // A second signal would end it at once.
  if (exit_code_ || interrupted_) return;
  interrupted_ = true;
  kill(pid_, SIGINT);
}

}  // namespace afterglow
