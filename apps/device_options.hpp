// Where to compute: the same options for every command that runs a network.
#pragma once

#include <CLI/CLI.hpp>

#include "kernels/device.hpp"

namespace afterglow {

/// Adds --device, --conv-algo, --precision and --no-graphs.
void add_device_options(CLI::App& command, BackendOptions& options);

}  // namespace afterglow
