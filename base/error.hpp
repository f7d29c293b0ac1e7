// The exceptions of afterglow. What they are decides the exit code of the program (apps/main.cpp).
#pragma once

#include <stdexcept>
#include <string>

namespace afterglow {

/// A message as one line that fits a terminal: names out of a file may be megabytes long, and hold
/// line ends and a terminal's commands.
inline std::string one_line(std::string text) {
  constexpr std::size_t kLongest = 2000;
  if (text.size() > kLongest) text = text.substr(0, kLongest) + " ...";
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  }
  return text;
}

/// Root of every exception thrown on purpose by afterglow. what() is one line without a full stop.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(one_line(message)) {}
};

/// Something given by the user cannot be used: a file, an option, a name. Exit code 2.
/// The message reads `FILE-OR-OPTION: what is wrong; what to do`.
class InputError : public Error {
 public:
  using Error::Error;
  InputError(const std::string& subject, const std::string& problem, const std::string& remedy)
      : Error(subject + ": " + problem + "; " + remedy) {}
};

/// The work itself failed while running: disk full, a clip lost among many. Exit code 1.
class RunError : public Error {
 public:
  using Error::Error;
};

/// There is no room left: what is written next will fail, too. Exit code 1.
class DiskFull : public RunError {
 public:
  using RunError::RunError;
};

/// Parts of the work failed, the others are done and kept. Exit code 1.
class PartlyDone : public RunError {
 public:
  using RunError::RunError;
};

/// Two shapes do not fit; the message names both. A programming error, or a model used on the
/// wrong data.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// The chosen backend has no such operation; nothing falls back silently.
class Unsupported : public Error {
 public:
  using Error::Error;
};

/// The user pressed Ctrl-C (SIGINT) or the process got SIGTERM, and the work was put down safely.
/// Exit code 130.
class Interrupted : public Error {
 public:
  using Error::Error;
};

}  // namespace afterglow
