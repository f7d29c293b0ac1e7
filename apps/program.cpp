// Parsing, help, and what an exception means for the user.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "apps/commands.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"

namespace afterglow {
namespace {

constexpr int kBadInput = 2;
constexpr int kInterrupted = 130;

int report(const std::string& message, int code) {
  std::fflush(stdout);  // what was printed stays in front of it in a file
  std::fprintf(stderr, "afterglow: %s\n", message.c_str());
  return code;
}

}  // namespace

int run_program(int argc, char** argv) {
  install_interrupt_handlers();
  CLI::App program{"afterglow: temporally consistent video colorization", "afterglow"};
  program.require_subcommand(1);
  program.set_version_flag("--version",
                           std::string("afterglow ") + kVersion + " (commit " + commit() + ")");
  program.fallthrough();  // commands take it from here: --config stands before or behind them
  program.set_config("--config", "", "Options of commands as TOML, one [command] each");
  program.allow_config_extras(CLI::config_extras_mode::error);
  add_synth(program);
  add_prepare(program);
  add_train(program);
  add_colorize(program);
  add_evaluate(program);
  add_compare(program);
  add_info(program);
  add_weights(program);
  try {
    // CLI11 would only say that a command is missing.
    const auto is_named = [&](const CLI::App* command) { return command->get_name() == argv[1]; };
    if (argc > 1 && argv[1][0] != '-' && program.get_subcommands(is_named).empty()) {
      throw InputError(argv[1], "is not a command", "see afterglow --help");
    }
    program.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return program.exit(error);  // --help, --version
    std::string command = "afterglow";
    for (const CLI::App* app = &program; !app->get_subcommands().empty();) {
      app = app->get_subcommands().front();
      command += ' ' + app->get_name();
    }
    return report(std::string(error.what()) + "; see " + command + " --help", kBadInput);
  } catch (const Interrupted& error) {
    return report(error.what(), kInterrupted);
  } catch (const RunError& error) {
    return report(error.what(), kExitFailed);
  } catch (const Error& error) {
    return report(error.what(), kBadInput);
  } catch (const std::bad_alloc&) {
    return report("out of memory; use a smaller --batch or fewer clips", kExitFailed);
  } catch (const std::exception& error) {
    return report(error.what(), kExitFailed);
  }
}

}  // namespace afterglow
