#include "apps/device_options.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "kernels/backend.hpp"

namespace afterglow {

void add_device_options(CLI::App& command, BackendOptions& options) {
  command
      .add_option("--device", options.device,
                  "auto (a CUDA device where one is usable, else the CPU), cpu, cuda or cuda:N")
      ->capture_default_str();
  command
      .add_option("--conv-algo", options.convolutions,
                  "On the CPU, algorithms of the convolutions: auto (the fastest of each), direct "
                  "or winograd")
      ->capture_default_str();
  command
      .add_option("--precision", options.precision,
                  "fp32, tf32 (CUDA), or bf16: convolutions multiply bfloat16 (CUDA, CPUs with AMX "
                  "or AMD's AVX512_BF16)")
      ->capture_default_str();
  command.add_flag("--no-graphs", options.no_graphs,
                   "On CUDA, launch every kernel by itself instead of whole steps as one graph");
}

std::string told_device(const Backend& backend, const std::string& why_not_cuda) {
  return backend.description() + (why_not_cuda.empty() ? "" : " (no CUDA: " + why_not_cuda + ")");
}

void tell_device(const Backend& backend, const std::string& why_not_cuda) {
  std::fputs((told_device(backend, why_not_cuda) + '\n').c_str(), stderr);
}

}  // namespace afterglow
