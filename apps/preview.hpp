// What `--preview` asks for.
#pragma once

#include <string>

#include "data/film.hpp"

namespace afterglow {

/// The stretch of a film that START+SECONDS names: START is [[HH:]MM:]SS, both may have decimals.
/// Empty: the whole film. Throws InputError(subject, ...) for anything else, and for stretches that
/// are empty or begin or last longer than 1000 hours.
Stretch preview_stretch(const std::string& text, const std::string& subject);

}  // namespace afterglow
