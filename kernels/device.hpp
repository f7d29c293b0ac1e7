// Which machine part computes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace afterglow {

class Backend;
enum class ConvolutionChoice : std::int32_t;
enum class Precision : std::int32_t;

/// A compute device by name: "cpu", later "cuda" or "cuda:1".
struct Device {
  enum class Kind { kCpu, kCuda } kind = Kind::kCpu;
  int index = 0;

  bool operator==(const Device&) const = default;
};

/// What `--conv-algo` names: "auto", "direct" or "winograd". Throws InputError.
ConvolutionChoice parse_convolution_choice(const std::string& text);

/// What `--precision` names: "fp32" or "bf16". Throws InputError.
Precision parse_precision(const std::string& text);

/// Opens the backend that `--device` names: "auto" or "cpu"; "cuda" and "cuda:N" throw InputError
/// as long as the CUDA plug-in does not exist. Any other text, and a precision that the machine
/// does not have, throws InputError.
std::shared_ptr<Backend> open_backend(const std::string& device,
                                      const std::string& convolutions = "auto",
                                      const std::string& precision = "fp32");

}  // namespace afterglow
