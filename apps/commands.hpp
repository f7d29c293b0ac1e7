// The program's commands, one file each: apps/<command>.cpp.
#pragma once

namespace CLI {
class App;
}

namespace afterglow {

inline constexpr const char* kVersion = "0.1.0";

/// The commit that the program was built from, with "-changed" where tracked files differed;
/// "unknown" without git.
const char* commit();

/// Exit code of a command that failed while it ran (see run_program).
inline constexpr int kExitFailed = 1;

/// Each adds its subcommand with its options; the work runs in the subcommand's callback. What a
/// callback throws decides the exit code (program.cpp); a callback that kept the good part of a job
/// with bad parts throws PartlyDone at its end.
void add_synth(CLI::App& program);
void add_prepare(CLI::App& program);
void add_train(CLI::App& program);
void add_colorize(CLI::App& program);
void add_evaluate(CLI::App& program);
void add_compare(CLI::App& program);
void add_info(CLI::App& program);
void add_weights(CLI::App& program);

/// Parses the command line, runs the command, and turns whatever is thrown into one line on
/// standard error
/// (`afterglow: FILE: what is wrong; what to do`) and an exit code: 0 done; 1 failed while running;
/// 2 bad usage or bad input; 130 interrupted.
int run_program(int argc, char** argv);

}  // namespace afterglow
