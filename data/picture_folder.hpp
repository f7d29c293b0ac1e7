// Folders of numbered pictures.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace afterglow {

/// A folder's pictures (.png .jpg .jpeg .bmp .tga .ppm .pgm .pnm, case ignored) in natural order;
/// other files, hidden ones too, are ignored. Throws InputError when there are none.
std::vector<std::filesystem::path> list_pictures(const std::filesystem::path& folder);

/// True when `a` comes before `b` with runs of digits compared as numbers: frame_2 before frame_10.
bool natural_less(const std::string& a, const std::string& b);

/// Sorts paths by natural_less of their file names.
void sort_naturally(std::vector<std::filesystem::path>& paths);

/// "00007.png" of 7.
std::string numbered_picture(std::int64_t index);

/// Throws InputError when `folder` exists and holds anything but pictures named like
/// numbered_picture() and the config.toml that a command leaves beside them, since writing there
/// replaces the whole folder.
void require_replaceable(const std::filesystem::path& folder);

}  // namespace afterglow
