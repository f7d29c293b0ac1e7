// Kernels that the SIMT machine runs become work on the software GPU's streams. Linked in place of
// simt/run_at_once.cpp.
#include "simt/submit.hpp"

#include <utility>

#include "softgpu/launch.hpp"

namespace simt {

void submit(CUstream_st* stream, std::vector<PointerArgument> pointers, bool hidden,
            std::function<void()> run) {
  std::vector<softgpu::Access> access;
  // How far a pointer reaches is not known: its first byte stands for its allocation.
  for (const PointerArgument& pointer : pointers) access.push_back({pointer.at, 1, pointer.write});
  softgpu::launch(stream, std::move(access), hidden, std::move(run));
}

}  // namespace simt
