// Which machine part computes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace afterglow {

class Backend;
enum class ConvolutionChoice : std::int32_t;
enum class Precision : std::int32_t;

/// A compute device by name: "cpu", "cuda" (the first) or "cuda:1".
struct Device {
  enum class Kind { kCpu, kCuda } kind = Kind::kCpu;
  int index = 0;

  bool operator==(const Device&) const = default;
};

/// What `--conv-algo` names: "auto", "direct" or "winograd". Throws InputError.
ConvolutionChoice parse_convolution_choice(const std::string& text);

/// What `--precision` names: "fp32", "tf32" or "bf16". Throws InputError.
Precision parse_precision(const std::string& text);

/// What the options of the program say about where and how to compute.
struct BackendOptions {
  std::string device = "auto";        // auto (CUDA where it is usable, else the CPU), cpu, cuda[:N]
  std::string convolutions = "auto";  // CPU: auto, direct or winograd
  std::string precision = "fp32";     // fp32, tf32 (CUDA) or bf16
  bool no_graphs = false;             // CUDA: kernel by kernel, not whole steps as one graph

  bool operator==(const BackendOptions&) const = default;
};

/// Opens the backend that the options name. Throws InputError for an unknown word, for "cuda" where
/// it is not usable (and says why), and for a precision that the device does not have. Where "auto"
/// took the CPU, `why_not_cuda` becomes the reason; else it stays.
std::shared_ptr<Backend> open_backend(const BackendOptions& options = {},
                                      std::string* why_not_cuda = nullptr);

/// What there is to compute on, a line for each: the CPU, the CUDA devices, or why CUDA is not
/// usable.
std::vector<std::string> describe_devices();

}  // namespace afterglow
