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
