// Recordings of the CUDA backend: what they reserve, and that they stay out of each other's way.
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "kernels/cuda/cuda_backend.hpp"
#include "kernels/device_array.hpp"
#include "nn/models/colorization_model.hpp"
#include "nn/ops/ops.hpp"
#include "nn/recurrent_colorizer.hpp"
#include "softgpu/softgpu.hpp"
#include "support/motion_fields.hpp"

namespace afterglow {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

std::shared_ptr<Backend> cuda_backend(bool graphs = true) {
  return std::make_shared<cuda::CudaBackend>(0, Precision::kFloat32, graphs);
}

/// The first values of a buffer: enough to see whose they are.
Destination head(const Buffer& buffer) {
  return {reinterpret_cast<float*>(buffer.data.get()), 1000};
}

/// A pass through layers that get smaller and back, for a batch of so many frames: y = 16 x + 30.
void pass(Backend& backend, std::size_t frames, Source x, Destination y) {
  std::vector<Buffer> tape;
  Source value = x;
  for (const std::size_t megabytes : {4, 4, 2, 1}) {
    const Buffer one = backend.allocate(frames), next = backend.allocate(frames * megabytes * kMiB);
    backend.fill(head(next), 1);
    backend.add_into(value, head(next));
    backend.scale(head(next), 2, head(next));
    tape.push_back(next);
    value = head(next);
  }
  backend.copy(value, y);
}

std::vector<float> expected(float x) { return std::vector<float>(1000, 16 * x + 30); }

/// A network of two layers, whose recording leaves room free that the next one takes.
class TwoLayers : public ColorizationModel {
 public:
  explicit TwoLayers(const std::shared_ptr<Backend>& backend) : ColorizationModel({}) {
    first_ = add_parameter("first", Tensor::full(backend, {1, 1, 6, 3}, 0.25F));
    second_ = add_parameter("second", Tensor::full(backend, {1, 1, 3, 3}, 0.5F));
  }
  void set_norm_momentum(float) override {}
  std::vector<LayerDescription> describe() const override { return {}; }

 private:
  Variable run(const Variable& x) override {
    return ops::conv2d(ops::conv2d(x, first_, {}), second_, {});
  }

  Variable first_, second_;
};

}  // namespace

TEST_CASE("recordings of several batch lengths reserve about as much as the longest") {
  const auto order = GENERATE(std::vector<std::size_t>{16, 7, 1, 5}, std::vector<std::size_t>{16},
                              std::vector<std::size_t>{1, 5, 7, 16});
  const auto backend = cuda_backend();
  const DeviceArray<float> x(backend, std::vector<float>(1000, 1.0F)), y(backend, 1000);
  const std::size_t before = backend->memory().reserved;
  std::vector<std::unique_ptr<Recording>> recordings;
  for (const std::size_t frames : order) {
    const auto work = [&, frames] { pass(*backend, frames, x.span(), y.span()); };
    work();
    recordings.push_back(backend->record(work));
  }
  const std::size_t reserved = backend->memory().reserved - before;
  constexpr std::size_t kLongest = 16 * 11 * kMiB;
  CAPTURE(reserved / kMiB);
  CHECK(reserved >= kLongest);
  // What is cut from a segment and what rounds it up; shorter batches that come first leave
  // segments that are too small for one of the longest's buffers.
  CHECK(reserved < (order.front() == 16 ? kLongest + kLongest / 2 : 2 * kLongest));
  for (const float value : {3.0F, 5.0F}) {
    for (const auto& recording : recordings) {
      backend->fill(x.span(), value);
      backend->fill(y.span(), 0);
      recording->replay();
      CHECK(y.read() == expected(value));
    }
  }
  recordings.clear();
  CHECK(backend->memory().reserved <= before);  // the last one took the memory with it
}

TEST_CASE("the memory of recordings counts as in use, and the peak is that of eager work") {
  const auto peak = [](bool graphs) {
    const auto backend = cuda_backend(graphs);
    const DeviceArray<float> x(backend, std::vector<float>(1000, 1.0F)), y(backend, 1000);
    const auto work = [&] { pass(*backend, 8, x.span(), y.span()); };
    work();
    const auto recording = backend->record(work);
    if (graphs) CHECK(backend->memory().in_use >= std::size_t{8} * 11 * kMiB);
    return backend->memory().peak_in_use;
  };
  CHECK(peak(true) == peak(false));
}

TEST_CASE("a recording that runs out of memory is one error, and nothing else is lost") {
  softgpu::Devices devices;
  devices.memory = 200 * kMiB;
  softgpu::set_devices(devices);
  {
    const auto backend = cuda_backend();
    const DeviceArray<float> x(backend, std::vector<float>(1000, 1.0F)), y(backend, 1000);
    const auto work = [&] { pass(*backend, 4, x.span(), y.span()); };
    work();
    const auto recording = backend->record(work);
    REQUIRE_THROWS_WITH(backend->record([&] {
      // Freed by the host, but the graph would write it: it must not go back to make room.
      { backend->fill(head(backend->allocate(60 * kMiB)), 1); }
      backend->fill(head(backend->allocate(110 * kMiB)), 1);
    }),
                        Catch::Contains("out of memory: 110 MiB wanted"));
    recording->replay();
    CHECK(y.read() == expected(1));
    work();
    CHECK(y.read() == expected(1));
    backend->record(work)->replay();
    CHECK(y.read() == expected(1));
  }
  CHECK(softgpu::live().empty());
  softgpu::reset();
}

TEST_CASE("a recorded loss along the motion starts from nothing at every replay", "[threads]") {
  const auto backend = cuda_backend();
  const FrameGeometry g{3, 6, 7, 3};
  const DeviceArray<float> p(backend, test::random_values(g.size(), 1)),
      y(backend, test::random_values(g.size(), 2)), flow(backend, test::motion_field(g, 2, 3)),
      gradient(backend, g.size());
  const DeviceArray<std::uint8_t> starts(backend, std::vector<std::uint8_t>(3));
  const DeviceArray<TemporalMseValue> value(backend);
  const auto work = [&] {
    backend->motion_temporal_mse(g, 0.5F, p.span(), y.span(), flow.span(), starts.span(),
                                 gradient.span(), value.data());
  };
  work();
  const double loss = value.value().loss;
  const std::vector<float> slopes = gradient.read();
  CHECK(loss > 0);
  const auto recording = backend->record(work);
  REQUIRE(recording);
  for (int replay = 0; replay < 2; ++replay) {
    backend->fill(gradient.span(), 7);
    recording->replay();
    CHECK(value.value().loss == loss);
    CHECK(gradient.read() == slopes);
  }
}

TEST_CASE("what another thread allocates while one records stays its own", "[threads]") {
  const auto backend = cuda_backend();
  const DeviceArray<float> x(backend, std::vector<float>(1000, 1.0F)), y(backend, 1000);
  const auto work = [&] { pass(*backend, 2, x.span(), y.span()); };
  work();
  const auto first = backend->record(work);
  Buffer other;
  const auto second = backend->record([&] {
    std::thread([&] { other = backend->allocate(1000 * sizeof(float)); }).join();
    work();
  });
  backend->fill(head(other), 7);
  first->replay();
  second->replay();
  backend->copy(head(other), y.span());
  CHECK(y.read() == std::vector<float>(1000, 7));
}

TEST_CASE("a kernel prepared in a recording is not taken for prepared by anybody else",
          "[threads]") {
  const auto backend = cuda_backend();
  const Conv2dGeometry g{1, 4, 4, 2, 3, 3, 3, 1, 1, Padding::kSame};
  const DeviceArray<float> x(backend, std::vector<float>(g.x_size(), 0.5F)),
      w(backend, std::vector<float>(g.w_size(), 0.25F)), y(backend, g.y_size());
  PreparedKernels prepared;
  const auto work = [&] { backend->conv2d(g, x.span(), {w.span(), &prepared}, {}, y.span()); };
  work();
  const std::vector<float> result = y.read();
  prepared.clear();
  const auto recording = backend->record(work);  // packs the kernel when it is replayed
  SECTION("by eager work") { work(); }
  SECTION("by another recording") {
    const auto other = backend->record(work);
    other->replay();
    backend->fill(y.span(), 0);
    recording->replay();
  }
  CHECK(y.read() == result);
}

TEST_CASE("two colorizers on one device do not disturb each other's pictures") {
  const auto backend = cuda_backend();
  TwoLayers model(backend);
  const auto frame = [&](float value) {
    return Tensor::full(backend, {1, kNetworkSize, kNetworkSize, 3}, value);
  };
  RecurrentColorizer one(model, Previous::kBaseline), other(model, Previous::kBaseline);
  for (int step = 0; step < 2; ++step) one.step(frame(10));
  for (int step = 0; step < 2; ++step) other.step(frame(20));
  const Tensor picture = other.step(frame(20));
  one.step(frame(10));
  const std::vector<float> values = picture.to_host();
  // 6 channels of 20 times 1/4, 3 of those times 1/2.
  CHECK(values == std::vector<float>(values.size(), 45.0F));
}

}  // namespace afterglow
