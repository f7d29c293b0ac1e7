#include "apps/run_folder.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "apps/event_file.hpp"
#include "base/error.hpp"
#include "base/output_file.hpp"

namespace afterglow {
namespace fs = std::filesystem;

namespace {

/// True for a whole line of a step or epoch that the checkpoint has behind it.
bool is_kept(const std::string& line, std::int64_t steps, std::int64_t epochs) {
  const auto entry = nlohmann::json::parse(line, nullptr, false);
  if (!entry.is_object()) return false;
  if (entry.contains("step")) return entry.value("step", steps + 1) <= steps;
  return entry.value("epoch", epochs + 1) <= epochs;
}

}  // namespace

RunFolder::RunFolder(fs::path path, bool resume) : path_(std::move(path)) {
  std::error_code error;
  if (fs::exists(path_, error) && !fs::is_directory(path_, error)) {
    throw InputError(path_.string(), "is not a folder", "give another --out");
  }
  if (!resume && fs::is_directory(path_, error) && !fs::is_empty(path_, error)) {
    throw InputError(path_.string(), "is there already", "use --resume or another --out");
  }
}

RunFolder::~RunFolder() {
  std::error_code ignored;
  if (!begun_ || fs::exists(last(), ignored)) return;
  fs::remove(config(), ignored);
  fs::remove(log(), ignored);
  std::error_code unreadable;
  for (fs::directory_iterator entry(path_, unreadable), end; !unreadable && entry != end;
       entry.increment(unreadable)) {
    if (entry->path().filename().string().starts_with(EventFile::kPrefix)) {
      fs::remove(entry->path(), ignored);
    }
  }
  fs::remove(path_, ignored);  // succeeds when nothing else is in it
}

void RunFolder::write_config(const std::string& text) {
  write_text_file(config(), text);
  begun_ = true;
}

void RunFolder::open_log(std::int64_t steps, std::int64_t epochs) {
  std::string kept;
  std::ifstream old(log());
  for (std::string line; std::getline(old, line) && is_kept(line, steps, epochs);) {
    kept += line + '\n';
  }
  write_text_file(log(), kept);
  log_.emplace(log());
}

void RunFolder::write_log(const std::string& line) { log_->write(line + '\n'); }

void RunFolder::sync_log() { log_->sync(); }

}  // namespace afterglow
