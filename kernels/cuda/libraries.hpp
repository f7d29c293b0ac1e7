// Whether the CUDA libraries that were found at run time are those that the plug-in can work with.
#pragma once

#include <filesystem>
#include <span>
#include <string>

namespace afterglow::cuda {

/// The first of these file names that can be loaded neither from `folder` nor from where the loader
/// looks; empty when all can.
std::string first_missing(const std::filesystem::path& folder,
                          std::span<const char* const> libraries);

/// Why cuDNN cannot be used (a part is missing, it is older than what this was built with, it is
/// for another CUDA), in one line; empty when it can. Asks for the parts before it calls cuDNN,
/// which ends the process where one is missing.
std::string problem_of_cudnn();

}  // namespace afterglow::cuda
