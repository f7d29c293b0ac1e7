#include "nn/ops/checks.hpp"

namespace afterglow::ops {

Variable concat_channels(const Variable& a, const Variable& b) {
  constexpr const char* kOp = "concat_channels";
  check_frames(kOp, "a", a.shape());
  check_frames(kOp, "b", b.shape());
  const Shape& shape = a.shape();
  if (shape[0] != b.shape()[0] || shape[1] != b.shape()[1] || shape[2] != b.shape()[2]) {
    refuse(kOp,
           named("a", shape) + " and " + named("b", b.shape()) + " differ before the channels");
  }
  const std::int64_t rows = channel_geometry(shape).rows;
  const std::int32_t c0 = extent(shape, 3);
  const std::int32_t c1 = extent(b.shape(), 3);
  Tensor y(a.backend(), {shape[0], shape[1], shape[2], c0 + c1}, a.backend()->activation_type());
  a.backend()->concat_channels(rows, c0, c1, a.value().source(), b.value().source(),
                               y.padded_destination());
  return record(y, {a, b},
                [rows, c0, c1, a_shape = shape, b_shape = b.shape(), a_type = a.value().type(),
                 b_type = b.value().type()](const Tensor& dy,
                                            const std::vector<bool>& needs) -> std::vector<Tensor> {
                  Tensor da = new_if(needs[0], dy.backend(), a_shape, a_type);
                  Tensor db = new_if(needs[1], dy.backend(), b_shape, b_type);
                  dy.backend()->split_channels(rows, c0, c1, dy.source(), destination_of(da),
                                               destination_of(db));
                  return {da, db};
                });
}

}  // namespace afterglow::ops
