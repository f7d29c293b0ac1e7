// Where to compute: the same options for every command that runs a network.
#pragma once

#include <string>

#include "kernels/device.hpp"

namespace CLI {
class App;
}

namespace afterglow {

/// Adds --device, --conv-algo, --precision and --no-graphs.
void add_device_options(CLI::App& command, BackendOptions& options);

/// Which device a backend computes on and, where there is a reason, why not on CUDA
/// (open_backend). One line.
std::string told_device(const Backend& backend, const std::string& why_not_cuda);
/// Says that on standard error.
void tell_device(const Backend& backend, const std::string& why_not_cuda);

}  // namespace afterglow
