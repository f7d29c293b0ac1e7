#include "kernels/cuda/libraries.hpp"

#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <dlfcn.h>

#include <memory>

namespace afterglow::cuda {
namespace {

// All that the graph API opens by itself, the one that the others need first.
constexpr const char* kCudnnParts[] = {"libcudnn_graph.so.9", "libcudnn_heuristic.so.9",
                                       "libcudnn_engines_precompiled.so.9",
                                       "libcudnn_engines_runtime_compiled.so.9"};

/// "9.19.0" of 91900.
std::string dotted(std::size_t version) {
  return std::to_string(version / 10000) + '.' + std::to_string(version / 100 % 100) + '.' +
         std::to_string(version % 100);
}

/// Stays open: closing it would only make cuDNN load it again.
bool loads(const std::string& library) {
  return dlopen(library.c_str(), RTLD_LAZY | RTLD_LOCAL) != nullptr;
}

/// The file that the function comes from.
std::filesystem::path file_of(const void* function) {
  Dl_info info{};
  if (dladdr(function, &info) == 0 || info.dli_fname == nullptr) return {};
  return info.dli_fname;
}

}  // namespace

std::string first_missing(const std::filesystem::path& folder,
                          std::span<const char* const> libraries) {
  for (const char* library : libraries) {
    if (!loads(folder / library) && !loads(library)) return library;
  }
  return "";
}

std::string problem_of_cudnn() {
  const std::filesystem::path cudnn = file_of(reinterpret_cast<void*>(&cudnnGetVersion));
  // Linked into the program itself, it brings all that it needs.
  if (cudnn.filename().string().starts_with("libcudnn.so")) {
    const std::string part = first_missing(cudnn.parent_path(), kCudnnParts);
    if (!part.empty()) return "a part of cuDNN cannot be loaded (" + part + ")";
  }
  // Patches change no interface.
  if (cudnnGetVersion() / 100 < CUDNN_VERSION / 100) {
    return "cuDNN " + dotted(cudnnGetVersion()) + " is older than " + dotted(CUDNN_VERSION) +
           ", which this was built with";
  }
  const std::size_t cuda = cudnnGetCudartVersion() / 1000;
  if (cuda != CUDART_VERSION / 1000) {
    return "cuDNN is for CUDA " + std::to_string(cuda) + ", but this was built with CUDA " +
           std::to_string(CUDART_VERSION / 1000);
  }
  return "";
}

}  // namespace afterglow::cuda
