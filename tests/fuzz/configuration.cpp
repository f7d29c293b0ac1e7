// Files of --config: CLI11's TOML, with the options of our commands.

#include <CLI/CLI.hpp>

#include "apps/commands.hpp"
#include "apps/train_options.hpp"
#include "fuzz/fuzz.hpp"

namespace {

using namespace afterglow;

/// The program's commands, which never get to their work.
class Program {
 public:
  Program() {
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.set_config("--config");
    app_.allow_config_extras(CLI::config_extras_mode::error);
    for (const auto& add : {add_synth, add_prepare, add_train, add_colorize, add_evaluate})
      add(app_);
    for (const CLI::App* command : app_.get_subcommands(nullptr)) {
      names_.push_back(command->get_name());
    }
    // After the options, before the commands' work.
    app_.parse_complete_callback([] { throw CLI::Success(); });
  }

  void parse(const std::string& file, std::size_t command) {
    // In CLI11's order: backwards.
    app_.parse({file, "--config", names_[command % names_.size()]});
  }

 private:
  CLI::App app_{"", "afterglow"};
  std::vector<std::string> names_;
};

}  // namespace

/// The first byte chooses the command.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static Program program;
  const std::string_view text = fuzz::text_of(data + 1, size - 1);
  try {
    program.parse(fuzz::file_of(text), data[0]);
  } catch (const CLI::ParseError&) {
  }
  // A checkpoint holds the same text, which is compared with that of the run.
  return fuzz::refused_or_read(
      [&] { check_same_configuration(std::string(text), configuration({}, "x"), "run"); });
}
