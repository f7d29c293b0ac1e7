// Some frames of a film, spread over it.
#pragma once

#include <filesystem>
#include <vector>

#include "data/picture.hpp"

namespace afterglow {

/// Up to `count` (at least 1) frames of a film or a folder of numbered pictures, evenly spread over
/// it as far as its container allows to look for them: of a film those from which decoding can
/// begin, of one that cannot be searched the first ones. All of one size. Throws InputError when
/// there is none.
std::vector<Picture> sampled_pictures(const std::filesystem::path& film, int count);

}  // namespace afterglow
