// Some frames of a film, spread over it.
#pragma once

#include <filesystem>
#include <functional>

#include "data/film.hpp"

namespace afterglow {

/// Shows up to `count` (at least 1) frames of a film or a folder of numbered pictures, evenly
/// spread over it as far as its container allows to look for them: of a film those from which
/// decoding can begin, and where these are fewer than 8, up to `count` of the first ones, too. One
/// is in memory at a time; all are of the size and pixel format that the film begins with, as
/// FilmReader::info() says; their index and time mean nothing. What is broken, or of another size,
/// is passed over. Throws InputError when the first frame cannot be read.
void sample_frames(const std::filesystem::path& film, int count,
                   const std::function<void(const FilmFrame&)>& show);

}  // namespace afterglow
