// What a kernel of the CPU does with values of a type that it does not take.
#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "kernels/device.hpp"
#include "support/backend_under_test.hpp"

using namespace afterglow;

TEST_CASE("bytes for a kernel of floats are refused, on whichever thread they are met") {
  const auto backend = test::make_backend(ConvolutionChoice::kDirect);
  // Enough for several strips, and thus threads.
  constexpr std::int32_t kRows = 40000, kChannels = 3;
  constexpr std::size_t kValues = std::size_t{kRows} * kChannels;
  const ChannelGeometry channels{kRows, kChannels};
  const FrameGeometry frames{2, kRows / 200, 100, kChannels};
  const std::vector<std::uint8_t> bytes(kValues, 7);
  const std::vector<float> floats(kValues, 1.0F);
  std::vector<float> result(kValues);
  const Source b(bytes.data(), kValues, ValueType::kUint8), x(floats);
  const Destination y(result);
  const Function f{FunctionKind::kExp};
  const std::vector<std::pair<std::string, std::function<void()>>> calls{
      {"relu", [&] { backend->relu(b, y); }},
      {"relu_backward", [&] { backend->relu_backward(b, x, y); }},
      {"add", [&] { backend->add(x, b, y); }},
      {"add_into", [&] { backend->add_into(b, y); }},
      {"scale", [&] { backend->scale(b, 2, y); }},
      {"apply", [&] { backend->apply(f, b, y); }},
      {"apply_backward", [&] { backend->apply_backward(f, x, b, y); }},
      {"multiply", [&] { backend->multiply(channels, x, b, y); }},
      {"multiply by rows",
       [&] { backend->multiply(channels, x, b.subspan(0, std::size_t{kRows}), y); }},
      {"dot_channels",
       [&] { backend->dot_channels(channels, x, b, y.subspan(0, std::size_t{kRows})); }},
      {"pixel_length",
       [&] { backend->pixel_length(channels, 0, b, y.subspan(0, std::size_t{kRows})); }},
      {"sum_pixels",
       [&] { backend->sum_pixels(frames, 1, b, y.subspan(0, std::size_t{2} * kChannels)); }},
      {"add_to_pixels",
       [&] { backend->add_to_pixels(frames, 1, b, x.subspan(0, std::size_t{2} * kChannels), y); }},
      {"blend_into", [&] { backend->blend_into(b, 1, 0.5F, y); }},
      {"sum_rows", [&] { backend->sum_rows(channels, b, y.subspan(0, kChannels)); }},
  };
  for (const auto& [name, call] : calls) {
    CAPTURE(name);
    CHECK_THROWS_AS(call(), Unsupported);
  }
}

TEST_CASE("bytes for a convolution of floats are refused, on whichever thread they are met") {
  // Few pixels, as many outputs: a matrix product, or Winograd's algorithm.
  constexpr Conv2dGeometry g{1, 8, 8, 4, 32, 3, 3, 1, 1, Padding::kSame};
  const std::vector<std::uint8_t> bytes(g.w_size() + g.x_size() + g.y_size(), 7);
  const std::vector<float> floats(bytes.size(), 1.0F);
  std::vector<float> result(bytes.size());
  const auto of_bytes = [&](std::size_t count) {
    return Source(bytes.data(), count, ValueType::kUint8);
  };
  const auto of_floats = [&](std::size_t count) { return Source(floats).subspan(0, count); };
  const auto to = [&](std::size_t count) { return Destination(result).subspan(0, count); };
  const Source x = of_floats(g.x_size()), w = of_floats(g.w_size()), b = of_floats(32),
               dy = of_floats(g.y_size());
  const auto forward = [&](Backend& backend, Source input, Source kernel, Source bias) {
    backend.conv2d(g, input, {kernel}, {bias, Activation::kRelu}, to(g.y_size()));
  };
  const std::vector<std::pair<std::string, std::function<void(Backend&)>>> calls{
      {"x", [&](Backend& on) { forward(on, of_bytes(x.size()), w, b); }},
      {"w", [&](Backend& on) { forward(on, x, of_bytes(w.size()), b); }},
      {"b", [&](Backend& on) { forward(on, x, w, of_bytes(b.size())); }},
      {"backward data",
       [&](Backend& on) {
         on.conv2d_backward_data(g, of_bytes(dy.size()), {}, {w}, to(x.size()));
       }},
      {"backward data's ReLU",
       [&](Backend& on) {
         on.conv2d_backward_data(g, dy, of_bytes(dy.size()), {w}, to(x.size()));
       }},
      {"backward weights, x",
       [&](Backend& on) {
         on.conv2d_backward_weights(g, of_bytes(x.size()), dy, to(w.size()), {});
       }},
      {"backward weights, dy",
       [&](Backend& on) {
         on.conv2d_backward_weights(g, x, of_bytes(dy.size()), to(w.size()), {});
       }},
  };
  for (const ConvolutionChoice choice : test::convolution_choices()) {
    const auto backend = test::make_backend(choice);
    for (const auto& [name, call] : calls) {
      CAPTURE(choice, name);
      CHECK_THROWS_AS(call(*backend), Unsupported);
    }
  }
}
