#include "base/interrupt.hpp"

#include <unistd.h>

#include <csignal>

#include "base/error.hpp"

namespace afterglow {
namespace {

volatile std::sig_atomic_t signal_count = 0;

constexpr int kInterruptedExit = 130;

extern "C" void on_signal(int) {
  if (signal_count != 0) _exit(kInterruptedExit);
  signal_count = 1;
}

}  // namespace

void install_interrupt_handlers() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() noexcept { return signal_count != 0; }

void throw_if_interrupted() {
  if (interrupted()) throw Interrupted("interrupted");
}

}  // namespace afterglow
