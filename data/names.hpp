// How sizes are written in messages, and what the names of files say about them.
#pragma once

#include <filesystem>
#include <string>

namespace afterglow {

/// "128x96" of a width and a height.
std::string size_text(int width, int height);

/// A path's extension with its dot, in lower case: ".mkv" of "A.MKV".
std::string lower_extension(const std::filesystem::path& path);

/// True for a name that ends in .h5 or .hdf5.
bool is_hdf5(const std::filesystem::path& path);

/// True for a name of a film that we write: .mp4 .mkv .mov .avi .webm, case ignored.
bool is_writable_film(const std::filesystem::path& path);

/// True for these and for the other names by which films are known in a folder: .m4v .mpg .mpeg .ts
/// .y4m .gif.
bool is_film(const std::filesystem::path& path);

}  // namespace afterglow
