#include "kernels/device.hpp"

#include "base/error.hpp"
#include "kernels/backend.hpp"

namespace afterglow {

std::shared_ptr<Backend> open_backend(const std::string& device) {
  if (device == "auto" || device == "cpu") return make_cpu_backend();
  const bool cuda =
      device == "cuda" || (device.starts_with("cuda:") && device.size() > 5 &&
                           device.find_first_not_of("0123456789", 5) == std::string::npos);
  if (cuda) {
    throw InputError("--device " + device, "this version has no CUDA backend", "use --device cpu");
  }
  throw InputError("--device " + device, "there is no such device", "use auto or cpu");
}

}  // namespace afterglow
