#include "kernels/device.hpp"

#include "base/error.hpp"
#include "kernels/backend.hpp"

namespace afterglow {

ConvolutionChoice parse_convolution_choice(const std::string& text) {
  if (text == "auto") return ConvolutionChoice::kAuto;
  if (text == "direct") return ConvolutionChoice::kDirect;
  if (text == "winograd") return ConvolutionChoice::kWinograd;
  throw InputError("--conv-algo", "'" + text + "' is not known", "use auto, direct or winograd");
}

Precision parse_precision(const std::string& text) {
  if (text == "fp32") return Precision::kFloat32;
  if (text == "bf16") return Precision::kBfloat16;
  throw InputError("--precision", "'" + text + "' is not known", "use fp32 or bf16");
}

std::shared_ptr<Backend> open_backend(const std::string& device, const std::string& convolutions,
                                      const std::string& precision) {
  const ConvolutionChoice choice = parse_convolution_choice(convolutions);
  const Precision multiplied = parse_precision(precision);
  if (device == "auto" || device == "cpu") {
    try {
      return make_cpu_backend(choice, multiplied);
    } catch (const Unsupported& error) {
      throw InputError("--precision " + precision, error.what(), "leave it out");
    }
  }
  const bool cuda =
      device == "cuda" || (device.starts_with("cuda:") && device.size() > 5 &&
                           device.find_first_not_of("0123456789", 5) == std::string::npos);
  if (cuda) {
    throw InputError("--device " + device, "this version has no CUDA backend", "use --device cpu");
  }
  throw InputError("--device " + device, "there is no such device", "use auto or cpu");
}

}  // namespace afterglow
