// What a command was told, kept beside what it made.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace afterglow {

/// Returns the options of a command as they took effect, given or by default, as TOML that
/// `--config` reads; options without a value are left out.
std::string effective_configuration(const CLI::App& command);

/// Does a command's work and then writes its effective configuration beside the result: to
/// RESULT.toml, or to config.toml in a result that is a folder. It is also written when the work
/// throws PartlyDone and left a result. Nothing is written
/// for an empty `result`. Throws what the work throws, and InputError or RunError where the file
/// cannot be written.
void run_and_record(const CLI::App& command, const std::filesystem::path& result,
                    const std::function<void()>& work);

}  // namespace afterglow
