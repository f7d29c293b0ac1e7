// The ECCV16 colorizer's weights among whatever a parser of its files may return.
#include "nn/models/eccv16.hpp"

#include <cstdlib>

#include "fuzz/any_tensor.hpp"
#include "fuzz/fuzz.hpp"
#include "weights/eccv16_tensors.hpp"

/// The input: Caffe's or PyTorch's, which weight is asked for, then the number of tensors, and of
/// each its name, shape and value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace afterglow;
  static const auto wanted = Eccv16::weight_shapes();
  fuzz::Choices choices(fuzz::text_of(data, size));
  const Eccv16Source source = choices.byte() % 2 == 0 ? Eccv16Source::kCaffe : Eccv16Source::kTorch;
  const std::size_t asked = choices.byte();
  RawTensors tensors;
  const int count = choices.byte();
  for (int i = 0; i < count; ++i) {
    const std::string name = choices.text();
    tensors[name] = fuzz::any_tensor(choices);
  }
  const Eccv16Tensors file("f", std::move(tensors), source);
  // One by itself: the whole network is more than an input holds.
  const auto& [weight, shape] = wanted[asked % wanted.size()];
  fuzz::refused_or_read([&, &name = weight, &extents = shape] {
    const std::vector<float> values = file.values_of(name, extents);
    if (static_cast<std::int64_t>(values.size()) != extents.size()) std::abort();
  });
  fuzz::refused_or_read([&] { file.centres(); });
  return fuzz::refused_or_read([&] { file.check(); });
}
