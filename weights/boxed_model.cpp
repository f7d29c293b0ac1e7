#include "weights/boxed_model.hpp"

#include "nn/checkpoint.hpp"

// AFTERGLOW_BOXED_MODEL: the file's path.
__asm__(R"(
  .section .rodata
  .balign 16
  .local kAfterglowBoxedModel
  .local kAfterglowBoxedModelEnd
kAfterglowBoxedModel:
  .incbin ")" AFTERGLOW_BOXED_MODEL R"("
kAfterglowBoxedModelEnd:
  .text
)");
extern "C" const std::byte kAfterglowBoxedModel[], kAfterglowBoxedModelEnd[];

namespace afterglow {

std::span<const std::byte> boxed_model() { return {kAfterglowBoxedModel, kAfterglowBoxedModelEnd}; }

std::unique_ptr<SteadyModel> load_boxed_model(const std::shared_ptr<Backend>& backend) {
  return load_steady(boxed_model(), kBoxedModel, backend);
}

}  // namespace afterglow
