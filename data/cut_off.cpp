#include "data/cut_off.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <fstream>
#include <optional>

namespace afterglow {
namespace {

constexpr std::uint32_t kEbmlHeader = 0x1A45DFA3;
constexpr std::uint32_t kSegment = 0x18538067;

/// An EBML element's head: its ID, where its content begins, and how long that is.
struct Element {
  std::uint32_t id = 0;
  std::uint64_t begin = 0;
  std::optional<std::uint64_t> size;  // nothing: unknown, as in live streams
};

std::optional<Element> read_element(std::ifstream& stream, std::uint64_t position) {
  std::array<std::uint8_t, 12> head{};  // the two kinds we look for have IDs of four bytes
  stream.clear();
  stream.seekg(std::streamoff(position));
  stream.read(reinterpret_cast<char*>(head.data()), std::streamsize(head.size()));
  const std::size_t got = std::size_t(stream.gcount());
  if (got < 5) return std::nullopt;
  Element element;
  for (std::size_t i = 0; i < 4; ++i) element.id = element.id << 8 | head[i];
  const std::size_t length = std::size_t(std::countl_zero(head[4])) + 1;
  if (length > 8 || got < 4 + length) return std::nullopt;
  std::uint64_t size = head[4] & (0xFFU >> length);
  for (std::size_t i = 1; i < length; ++i) size = size << 8 | head[4 + i];
  const std::uint64_t unknown = (std::uint64_t{1} << (7 * length)) - 1;
  if (size != unknown) element.size = size;
  element.begin = position + 4 + length;
  return element;
}

bool matroska_is_cut_off(const std::filesystem::path& path, std::uint64_t file_size) {
  std::ifstream stream(path, std::ios::binary);
  const std::optional<Element> header = read_element(stream, 0);
  if (!header || header->id != kEbmlHeader || !header->size) return false;
  const std::optional<Element> segment = read_element(stream, header->begin + *header->size);
  return segment && segment->id == kSegment && segment->size &&
         segment->begin + *segment->size > file_size;
}

}  // namespace

bool is_cut_off(const std::filesystem::path& path, const AVStream& stream) {
  std::error_code error;
  const std::uintmax_t file_size = std::filesystem::file_size(path, error);
  if (error) return false;  // a pipe or a device
  // libav's functions for the index take a stream that is not const, and leave it as it is.
  AVStream* const indexed = const_cast<AVStream*>(&stream);
  const int entries = avformat_index_get_entries_count(indexed);
  for (int i = 0; i < entries; ++i) {
    const AVIndexEntry& entry = *avformat_index_get_entry(indexed, i);
    if (entry.pos < 0) continue;  // its place is not known
    if (std::uint64_t(entry.pos) + std::uint64_t(entry.size) > file_size) return true;
  }
  return matroska_is_cut_off(path, file_size);
}

}  // namespace afterglow
