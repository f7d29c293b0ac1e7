// Films that end before they should, found without reading them.
#pragma once

#include <filesystem>

#include "data/libav.hpp"

namespace afterglow {

/// True when a film's own index (MP4, MOV, AVI) or its outermost element (Matroska, WebM; RFC 9559
/// 5.1.1, RFC 8794 4) reaches beyond the end of the file. libav reads such films to their last
/// whole packet and calls that the end. Never true of containers that do not say their length.
bool is_cut_off(const std::filesystem::path& path, const AVStream& stream);

}  // namespace afterglow
