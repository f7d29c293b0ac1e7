#include "kernels/cuda/plan_store.hpp"

#include "fuzz/fuzz.hpp"

// The file of the plans that were fastest, which is read back at the next run.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace afterglow;
  const cuda::PlanStore store(fuzz::file_of(fuzz::text_of(data, size)));
  store.find("key");
  return 0;
}
