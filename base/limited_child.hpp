// Work that may go wrong in any way, in a child process that can hurt nobody.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>

namespace afterglow {

struct ChildLimits {
  std::uint64_t memory = 0;   // bytes beyond what this process maps already
  std::uint64_t seconds = 0;  // of computing
};

/// Runs `send` in a forked child with a pipe, and `receive` here on the pipe's other end, until
/// both are done. `receive` trusts nothing that comes, and returns false when it is nonsense or
/// ends too early; it may throw. In the child the limits hold and no file can be written;
/// send(pipe) may open files until it calls lock(). Throws InputError(subject, ...) when the child
/// crashes, exceeds a limit, or receive() returned false.
void in_limited_child(
    const std::string& subject, const ChildLimits& limits,
    const std::function<void(std::FILE* pipe, const std::function<void()>& lock)>& send,
    const std::function<bool(std::FILE* pipe)>& receive);

}  // namespace afterglow
