#include "simt/launched.hpp"

#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <set>

namespace simt {
namespace {

class Launched {
 public:
  ~Launched() {
    if (path_ == nullptr) return;
    std::ofstream file(path_);
    for (const void* kernel : kernels_) {
      Dl_info place{};
      if (dladdr(kernel, &place) == 0) continue;
      file << std::hex
           << reinterpret_cast<std::uintptr_t>(kernel) -
                  reinterpret_cast<std::uintptr_t>(place.dli_fbase)
           << '\n';
    }
  }

  void add(const void* kernel) {
    if (path_ == nullptr) return;
    const std::lock_guard lock(mutex_);
    kernels_.insert(kernel);
  }

 private:
  const char* path_ = std::getenv("SIMT_LAUNCHED");
  std::mutex mutex_;
  std::set<const void*> kernels_;
};

}  // namespace

void note_launched(const void* kernel) {
  static Launched launched;
  launched.add(kernel);
}

}  // namespace simt
