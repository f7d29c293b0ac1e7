#include "kernels/device.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/error.hpp"
#include "kernels/backend.hpp"
#include "kernels/cuda_plugin.hpp"

namespace afterglow {
namespace {

constexpr const char* kPluginFile = "libafterglow_cuda.so";

/// Beside the program, or where AFTERGLOW_CUDA_PLUGIN says.
std::filesystem::path plugin_path() {
  if (const char* path = std::getenv("AFTERGLOW_CUDA_PLUGIN")) return path;
  std::error_code none;
  return std::filesystem::read_symlink("/proc/self/exe", none).parent_path() / kPluginFile;
}

/// Throws Unsupported, with the reason.
const CudaPlugin& load_plugin() {
  const std::filesystem::path path = plugin_path();
  if (!std::filesystem::exists(path)) {
    throw Unsupported("this build has no CUDA plug-in (" + path.string() + ")");
  }
  // The driver first: it is the most common thing to miss, and cuDNN takes long to load.
  if (dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL) == nullptr) {
    throw Unsupported("there is no NVIDIA driver (libcuda.so.1)");
  }
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = dlerror();
    throw Unsupported(std::string("the CUDA plug-in cannot be loaded: ") +
                      (why == nullptr ? "no reason given" : why));
  }
  // dlsym's way of returning a function.
  const auto entry = reinterpret_cast<const CudaPlugin* (*)()>(dlsym(library, kCudaPluginSymbol));
  if (entry == nullptr || entry()->version != kCudaPluginVersion) {
    throw Unsupported("the CUDA plug-in " + path.string() + " is of another version");
  }
  return *entry();
}

std::shared_ptr<Backend> open_cpu(const BackendOptions& options, ConvolutionChoice choice,
                                  Precision precision, const std::string& why_not_cuda = {}) {
  try {
    return make_cpu_backend(choice, precision);
  } catch (const Unsupported& error) {
    const std::string also =
        why_not_cuda.empty() ? "" : " (cuda: not usable: " + why_not_cuda + ")";
    throw InputError("--precision " + options.precision, error.what() + also, "leave it out");
  }
}

std::shared_ptr<Backend> open_cuda(int index, Precision precision, bool graphs) {
  return load_plugin().open(index, precision, graphs);
}

/// The N of "cuda" or "cuda:N"; -1 for anything else.
int cuda_index(const std::string& device) {
  if (device == "cuda") return 0;
  constexpr std::size_t kMostDigits = 3;
  if (!device.starts_with("cuda:") || device.size() == 5 || device.size() > 5 + kMostDigits ||
      device.find_first_not_of("0123456789", 5) != std::string::npos) {
    return -1;
  }
  return std::stoi(device.substr(5));
}

}  // namespace

ConvolutionChoice parse_convolution_choice(const std::string& text) {
  if (text == "auto") return ConvolutionChoice::kAuto;
  if (text == "direct") return ConvolutionChoice::kDirect;
  if (text == "winograd") return ConvolutionChoice::kWinograd;
  throw InputError("--conv-algo", "'" + text + "' is not known", "use auto, direct or winograd");
}

Precision parse_precision(const std::string& text) {
  if (text == "fp32") return Precision::kFloat32;
  if (text == "tf32") return Precision::kTf32;
  if (text == "bf16") return Precision::kBfloat16;
  throw InputError("--precision", "'" + text + "' is not known", "use fp32, tf32 or bf16");
}

std::shared_ptr<Backend> open_backend(const BackendOptions& options, std::string* why_not_cuda) {
  const ConvolutionChoice choice = parse_convolution_choice(options.convolutions);
  const Precision precision = parse_precision(options.precision);
  if (options.device == "cpu") return open_cpu(options, choice, precision);
  if (options.device == "auto") {
    try {
      return open_cuda(0, precision, !options.no_graphs);
    } catch (const Unsupported& error) {
      if (why_not_cuda != nullptr) *why_not_cuda = error.what();
      return open_cpu(options, choice, precision, error.what());
    }
  }
  const int index = cuda_index(options.device);
  if (index < 0) {
    throw InputError("--device " + options.device, "there is no such device",
                     "use auto, cpu, cuda or cuda:N");
  }
  try {
    return open_cuda(index, precision, !options.no_graphs);
  } catch (const Unsupported& error) {
    throw InputError("--device " + options.device, error.what(), "use --device cpu");
  }
}

std::vector<std::string> describe_devices() {
  std::vector<std::string> lines;
  try {
    lines.push_back(make_cpu_backend()->description());
  } catch (const Unsupported& error) {
    lines.push_back(std::string("cpu: not usable: ") + error.what());
  }
  try {
    const std::vector<CudaDevice> devices = load_plugin().devices();
    for (std::size_t i = 0; i < devices.size(); ++i) {
      const std::string problem =
          devices[i].problem.empty() ? "" : " (not usable: " + devices[i].problem + ")";
      lines.push_back("cuda:" + std::to_string(i) + ": " + devices[i].description + problem);
    }
  } catch (const Unsupported& error) {
    lines.push_back(std::string("cuda: not usable: ") + error.what());
  }
  return lines;
}

}  // namespace afterglow
