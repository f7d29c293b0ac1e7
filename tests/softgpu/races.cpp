// Races by happens-before. Schedules show what one order gives; here every pair of operations on
// the same memory is asked whether streams, events or the host's waits put it in any order.
//
// Of a kernel's argument only the first byte is known, so that kernels meet where one is given the
// very pointer of the other, or a pointer into a range that a copy, cuDNN or cuBLAS names in full.
#include <algorithm>
#include <iterator>

#include "softgpu/machine.hpp"

namespace softgpu {
namespace {

struct Noted {
  const char* what = "";
  std::vector<Access> access;
  std::vector<long> ancestors;  // sorted; only those that the host has not waited for
};

/// Operations that the host does not know to be done.
std::map<long, Noted>& noted() {
  static auto* const kNoted = new std::map<long, Noted>;
  return *kNoted;
}

std::vector<std::string>& found() {
  static auto* const kFound = new std::vector<std::string>;
  return *kFound;
}

bool conflict(const Access& a, const Access& b) {
  const auto* first = static_cast<const unsigned char*>(a.at);
  const auto* second = static_cast<const unsigned char*>(b.at);
  return (a.write || b.write) && first < second + b.bytes && second < first + a.bytes;
}

bool conflict(const std::vector<Access>& a, const std::vector<Access>& b) {
  return std::any_of(a.begin(), a.end(), [&](const Access& x) {
    return std::any_of(b.begin(), b.end(), [&](const Access& y) { return conflict(x, y); });
  });
}

}  // namespace

void note_operation(long id, const Operation& operation) {
  Noted mine{operation.what, operation.access, {}};
  for (const long earlier : operation.after) {
    const auto before = noted().find(earlier);
    if (before == noted().end()) continue;
    std::vector<long> merged;
    const std::vector<long>& theirs = before->second.ancestors;
    std::set_union(mine.ancestors.begin(), mine.ancestors.end(), theirs.begin(), theirs.end(),
                   std::back_inserter(merged));
    const auto place = std::lower_bound(merged.begin(), merged.end(), earlier);
    if (place == merged.end() || *place != earlier) merged.insert(place, earlier);
    mine.ancestors = std::move(merged);
  }
  for (const auto& [other, theirs] : noted()) {
    if (std::binary_search(mine.ancestors.begin(), mine.ancestors.end(), other)) continue;
    if (!conflict(mine.access, theirs.access)) continue;
    found().push_back(std::string(theirs.what) + " (operation " + std::to_string(other) + ") and " +
                      mine.what + " (operation " + std::to_string(id) + ")");
  }
  noted().emplace(id, std::move(mine));
}

void host_waited(long operation) {
  if (operation == 0) {
    noted().clear();
    return;
  }
  const auto last = noted().find(operation);
  if (last == noted().end()) return;
  const std::vector<long> ancestors = std::move(last->second.ancestors);
  noted().erase(last);
  for (const long earlier : ancestors) noted().erase(earlier);
}

void forget_races() {
  noted().clear();
  found().clear();
}

std::vector<std::string> races() {
  const std::lock_guard lock(machine().mutex);
  return found();
}

}  // namespace softgpu
