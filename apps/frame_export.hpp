// Frames of a film as pictures, to be coloured by hand.
#pragma once

#include <filesystem>
#include <string>

namespace afterglow {

/// Writes frames of a film to a folder, each under its number (00120.png), as `--key FOLDER` takes
/// them back. which: "120,480", or "scenes": the first frame of every scene. Throws InputError for
/// anything else, for a frame that the film has not, when a picture of that name is there, and as
/// FilmReader does; Interrupted after Ctrl-C. Nothing is written before it is known that all can
/// be.
void export_frames(const std::filesystem::path& film, const std::string& which,
                   const std::filesystem::path& folder);

}  // namespace afterglow
