// Ctrl-C as a question that long work asks at a safe place, never as a jump out of the middle.
#pragma once

namespace afterglow {

/// Installs the handlers for SIGINT and SIGTERM: the first signal sets a flag, a second one ends
/// the process at once with exit code 130.
void install_interrupt_handlers();

/// True once SIGINT or SIGTERM has arrived.
bool interrupted() noexcept;

/// Throws Interrupted if a signal has arrived.
void throw_if_interrupted();

}  // namespace afterglow
