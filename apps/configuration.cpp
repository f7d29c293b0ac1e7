#include "apps/configuration.hpp"

#include <CLI/CLI.hpp>
#include <sstream>

#include "base/error.hpp"
#include "base/output_file.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

void record(const CLI::App& command, const fs::path& result) {
  const std::string text = effective_configuration(command);
  if (fs::is_directory(result)) {
    write_text_file(result / "config.toml", text);
  } else {
    write_text_file(result.string() + ".toml", text);
  }
}

}  // namespace

std::string effective_configuration(const CLI::App& command) {
  std::istringstream lines(command.config_to_str(true, false));
  std::string text = "[" + command.get_name() + "]\n";
  for (std::string line; std::getline(lines, line);) {
    const bool without_value = line.size() >= 3 && line.substr(line.size() - 3) == "=\"\"";
    if (!line.empty() && !without_value) text += line + '\n';
  }
  return text;
}

void run_and_record(const CLI::App& command, const fs::path& result,
                    const std::function<void()>& work) {
  try {
    work();
  } catch (const PartlyDone&) {
    if (!result.empty() && fs::exists(result)) record(command, result);
    throw;
  }
  if (!result.empty()) record(command, result);
}

}  // namespace afterglow
