// slice_frames and concat_frames: frames are contiguous, so both are plain copies.
#include "nn/ops/checks.hpp"

namespace afterglow::ops {
namespace {

Shape with_frames(const Shape& shape, std::int64_t frames) {
  return {frames, shape[1], shape[2], shape[3]};
}

std::size_t frame_size(const Shape& shape) {
  return static_cast<std::size_t>(shape[1] * shape[2] * shape[3]);
}

}  // namespace

Variable slice_frames(const Variable& x, std::int64_t first, std::int64_t count) {
  check_frames("slice_frames", "x", x.shape());
  if (first < 0 || count < 1 || first > x.shape()[0] - count) {
    refuse("slice_frames", std::to_string(count) + " frames from " + std::to_string(first) +
                               " leave " + named("x", x.shape()));
  }
  const std::size_t frame = frame_size(x.shape());
  const std::size_t offset = static_cast<std::size_t>(first) * frame;
  const std::size_t size = static_cast<std::size_t>(count) * frame;
  Tensor y(x.backend(), with_frames(x.shape(), count), x.value().type());
  x.backend()->copy(x.value().source().subspan(offset, size), y.destination());
  return record(y, {x},
                [offset, size, x_shape = x.shape()](
                    const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
                  Tensor dx = Tensor::zeros(dy.backend(), x_shape, dy.type());
                  dy.backend()->copy(dy.source(), dx.destination().subspan(offset, size));
                  return {dx};
                });
}

Variable concat_frames(std::span<const Variable> parts) {
  if (parts.empty()) refuse("concat_frames", "nothing to join");
  std::int64_t frames = 0;
  for (const Variable& part : parts) {
    check_frames("concat_frames", "part", part.shape());
    if (with_frames(part.shape(), 1) != with_frames(parts.front().shape(), 1)) {
      refuse("concat_frames",
             named("part", part.shape()) + " does not fit " + named("part", parts.front().shape()));
    }
    frames += part.shape()[0];
  }
  const auto& backend = parts.front().backend();
  ValueType type = parts.front().value().type();
  for (const Variable& part : parts) {
    if (part.value().type() != type) type = ValueType::kFloat32;
  }
  Tensor y(backend, with_frames(parts.front().shape(), frames), type);
  std::vector<Shape> shapes;
  std::vector<ValueType> types;
  std::size_t offset = 0;
  for (const Variable& part : parts) {
    const Source values = part.value().source();
    backend->copy(values, y.destination().subspan(offset, values.size()));
    offset += values.size();
    shapes.push_back(part.shape());
    types.push_back(part.value().type());
  }
  return record(
      y, std::vector<Variable>(parts.begin(), parts.end()),
      [shapes, types](const Tensor& dy, const std::vector<bool>& needs) -> std::vector<Tensor> {
        std::vector<Tensor> gradients;
        std::size_t start = 0;
        for (std::size_t i = 0; i < shapes.size(); ++i) {
          Tensor gradient = new_if(needs[i], dy.backend(), shapes[i], types[i]);
          const auto size = static_cast<std::size_t>(shapes[i].size());
          if (gradient) {
            dy.backend()->copy(dy.source().subspan(start, size), gradient.destination());
          }
          start += size;
          gradients.push_back(gradient);
        }
        return gradients;
      });
}

}  // namespace afterglow::ops
