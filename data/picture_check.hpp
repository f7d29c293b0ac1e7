// What is looked at in a picture file before stb_image (2.27, Debian 12's) decodes it, which trusts
// files more than it should.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace afterglow {

/// True for what stb_image reads beside the formats that we want: GIF, PSD, PIC, HDR, which have
/// cost it most of its memory faults.
bool is_unwanted_format(std::span<const std::uint8_t> bytes);

/// What is wrong with a picture, in the parts of it that stb_image does not look at; empty when
/// nothing is. It writes beyond its tables where a JPEG's Huffman table has more than 256 codes,
/// fills what a JPEG lacks with gray and reports success, takes as much memory as a PNG's chunk
/// claims to be long, reads beyond the pixels of PNGs with 16-bit palettes and PNMs of 16 bits, and
/// leaves what a PNM or TGA lacks as the memory was.
std::string picture_problem(std::span<const std::uint8_t> bytes);

/// The most pixels that a picture of so many bytes can hold: what it claims beyond that would only
/// take memory.
std::uint64_t most_pixels(std::span<const std::uint8_t> bytes);

}  // namespace afterglow
