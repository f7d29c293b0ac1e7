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

/// Which device a backend that the options opened computes on; with auto on the CPU, also why no
/// CUDA device was taken. One line.
std::string told_device(const Backend& backend, const BackendOptions& options);
/// Says that on standard error.
void tell_device(const Backend& backend, const BackendOptions& options);

}  // namespace afterglow
