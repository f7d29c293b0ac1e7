#include "kernels/cuda/plan_store.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

namespace afterglow::cuda {
namespace {

constexpr const char* kHeader = "afterglow convolution plans 2";

// In the order of Method.
constexpr std::array<const char*, 3> kMethods{"fused", "bare", "product"};

}  // namespace

PlanStore::PlanStore(std::filesystem::path file) : file_(std::move(file)) { read(); }

std::optional<PlanChoice> PlanStore::find(const std::string& key) const {
  const auto found = choices_.find(key);
  if (found == choices_.end()) return std::nullopt;
  return found->second;
}

void PlanStore::add(const std::string& key, const PlanChoice& choice) {
  read();  // what other processes have found meanwhile
  choices_[key] = choice;
  write();
}

void PlanStore::read() {
  std::ifstream file(file_);
  std::string line;
  if (!std::getline(file, line) || line != kHeader) return;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string key, kind;
    PlanChoice choice;
    if (!(words >> key >> kind >> choice.place >> choice.engine >> choice.microseconds)) continue;
    const auto method = std::find(kMethods.begin(), kMethods.end(), kind);
    if (method == kMethods.end()) continue;
    choice.method = static_cast<Method>(method - kMethods.begin());
    choices_.emplace(key, choice);  // what this process uses stays as it is
  }
}

void PlanStore::write() const {
  if (file_.empty()) return;
  std::error_code failed;
  std::filesystem::create_directories(file_.parent_path(), failed);
  const std::filesystem::path beside = file_.string() + '.' + std::to_string(getpid());
  {
    std::ofstream file(beside);
    file << kHeader << '\n';
    for (const auto& [key, choice] : choices_) {
      file << key << ' ' << kMethods[static_cast<std::size_t>(choice.method)] << ' ' << choice.place
           << ' ' << choice.engine << ' ' << choice.microseconds << '\n';
    }
    if (!file.flush()) {
      std::filesystem::remove(beside, failed);
      return;
    }
  }
  std::filesystem::rename(beside, file_, failed);
}

std::filesystem::path cache_file(const std::string& name) {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != '\0') return std::filesystem::path(cache) / "afterglow" / name;
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return {};
  return std::filesystem::path(home) / ".cache" / "afterglow" / name;
}

}  // namespace afterglow::cuda
