#include "data/picture_check.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <numeric>
#include <optional>
#include <string_view>
#include <vector>

namespace afterglow {
namespace {

// Markers, as ITU-T T.81 calls them.
constexpr std::uint8_t kStartOfImage = 0xD8, kEndOfImage = 0xD9, kStartOfScan = 0xDA,
                       kBaseline = 0xC0, kProgressive = 0xC2, kHuffmanTables = 0xC4,
                       kQuantizationTables = 0xDB, kFirstRestart = 0xD0, kLastRestart = 0xD7;

using Bytes = std::span<const std::uint8_t>;

constexpr std::string_view kPng = "\x89PNG\r\n\x1a\n";
constexpr const char* kCutOff = "it is cut off";

bool starts_with(Bytes bytes, std::string_view start) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size())
      .starts_with(start);
}

/// stb reads JPEGs that begin with fill bytes too; no other picture begins with this byte but a TGA
/// with a comment of 255 letters.
bool is_jpeg(Bytes bytes) { return !bytes.empty() && bytes[0] == 0xFF; }

/// The next marker, behind whatever stands before it; `bytes` then begins behind it. Coded data
/// have a 0 behind each 0xFF, and restarts between them.
std::optional<std::uint8_t> take_marker(Bytes& bytes) {
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    const std::uint8_t marker = bytes[i + 1];
    const bool restart = marker >= kFirstRestart && marker <= kLastRestart;
    if (bytes[i] != 0xFF || marker == 0 || marker == 0xFF || restart) continue;
    bytes = bytes.subspan(i + 2);
    return marker;
  }
  return std::nullopt;
}

/// The segments of a JPEG, each as it comes.
class JpegSegments {
 public:
  /// False when the segment is damaged, or a scan needs tables that were not given: stb_image would
  /// take what lay in memory.
  bool add(std::uint8_t marker, Bytes segment) {
    if (marker == kHuffmanTables) return huffman_tables(segment);
    if (marker == kQuantizationTables) return quantization_tables(segment);
    if (marker >= kBaseline && marker <= kProgressive) return frame(marker, segment);
    return marker != kStartOfScan || scan(segment);
  }
  /// True when every component was begun.
  bool whole() const {
    return !components_.empty() && std::all_of(components_.begin(), components_.end(),
                                               [](const Component& c) { return c.begun; });
  }

 private:
  struct Component {
    std::uint8_t id, table;
    bool begun;
  };

  /// Tables of a byte, how many codes there are of each length, and a byte for each code.
  bool huffman_tables(Bytes segment) {
    constexpr std::size_t kHead = 17, kMostCodes = 256;
    while (!segment.empty()) {
      if (segment.size() < kHead) return false;
      const Bytes counts = segment.subspan(1, kHead - 1);
      const std::size_t codes = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
      if (codes > kMostCodes || codes > segment.size() - kHead) return false;
      huffman_.set(segment[0]);
      segment = segment.subspan(kHead + codes);
    }
    return true;
  }

  bool quantization_tables(Bytes segment) {
    while (!segment.empty()) {
      const std::size_t size = 1 + (segment[0] < 16 ? 64U : 128U);
      if (segment.size() < size) return false;
      quantization_.set(segment[0] % 16U);
      segment = segment.subspan(size);
    }
    return true;
  }

  bool frame(std::uint8_t marker, Bytes segment) {
    constexpr std::size_t kHead = 6;
    if (!components_.empty() || segment.size() < kHead) return false;
    progressive_ = marker == kProgressive;
    for (segment = segment.subspan(kHead); segment.size() >= 3; segment = segment.subspan(3)) {
      components_.push_back({segment[0], segment[2], false});
    }
    return true;
  }

  /// How many components, of each its number and tables, and what part of the coefficients.
  bool scan(Bytes segment) {
    if (segment.empty() || segment.size() != 4 + std::size_t{segment[0]} * 2) return false;
    const Bytes part = segment.last(3);
    const bool first = part[0] == 0, refined = part[2] >= 16;
    for (Bytes at = segment.subspan(1); at.size() > 3; at = at.subspan(2)) {
      const auto component = std::find_if(components_.begin(), components_.end(),
                                          [&](const Component& c) { return c.id == at[0]; });
      if (component == components_.end() || component->table > 3 ||
          !quantization_[component->table]) {
        return false;
      }
      const bool has_first = huffman_[at[1] / 16U], has_others = huffman_[16U + at[1] % 16U];
      if (progressive_ ? !(first ? refined || has_first : has_others) : !has_first || !has_others) {
        return false;
      }
      if (!component->begun && progressive_ && (!first || refined)) return false;
      component->begun = true;
    }
    return true;
  }

  std::bitset<256> huffman_;  // by class (0: first coefficients, 16: others) and number
  std::bitset<16> quantization_;
  std::vector<Component> components_;
  bool progressive_ = false;
};

std::string jpeg_problem(Bytes bytes) {
  constexpr const char* kDamaged = "its segments are damaged";
  JpegSegments segments;
  while (const std::optional<std::uint8_t> marker = take_marker(bytes)) {
    if (marker == kStartOfImage) continue;
    if (marker == kEndOfImage) return segments.whole() ? "" : kDamaged;
    if (bytes.size() < 2) return kCutOff;
    const auto length = std::size_t{bytes[0]} << 8 | bytes[1];  // with these two bytes
    if (length > bytes.size()) return kCutOff;
    if (length < 2 || !segments.add(*marker, bytes.subspan(2, length - 2))) return kDamaged;
    bytes = bytes.subspan(length);
  }
  return kCutOff;
}

/// Whether the depth of an IHDR is one that its colour type may have.
bool is_png_header(Bytes chunk) {
  constexpr std::size_t kLength = 13, kDepth = 8, kColour = 9, kPalette = 3;
  if (chunk.size() != kLength) return false;
  const int depth = chunk[kDepth];
  switch (chunk[kColour]) {
    case 0:  // gray
      return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case kPalette:
      return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    default:  // colour, alpha
      return depth == 8 || depth == 16;
  }
}

/// Chunks: length (4 bytes), type (4), content, check sum (4). IHDR is the first and IEND the last.
std::string png_problem(Bytes bytes) {
  constexpr std::size_t kHead = 8, kCheckSum = 4;
  bytes = bytes.subspan(kPng.size());
  for (bool first = true; bytes.size() >= kHead; first = false) {
    const Bytes type = bytes.subspan(4);
    if (starts_with(type, "IEND")) break;
    const auto length = std::size_t{bytes[0]} << 24 | std::size_t{bytes[1]} << 16 |
                        std::size_t{bytes[2]} << 8 | bytes[3];
    if (bytes.size() - kHead < length + kCheckSum) return kCutOff;
    if (first && !(starts_with(type, "IHDR") && is_png_header(bytes.subspan(kHead, length)))) {
      return "its header is damaged";
    }
    bytes = bytes.subspan(kHead + length + kCheckSum);
  }
  return "";
}

/// P5 or P6, width, height and the largest sample as text, a white space, the samples.
std::string pnm_problem(Bytes bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  constexpr std::string_view kWhite = " \t\n\v\f\r", kDigits = "0123456789";
  std::size_t at = 2;
  const auto number = [&]() -> std::uint64_t {
    constexpr std::size_t kLongest = 9;
    at = std::min(text.find_first_not_of(kWhite, at), text.size());
    while (at < text.size() && text[at] == '#') {
      at = std::min(text.find_first_of("\n\r", at), text.size());
      at = std::min(text.find_first_not_of(kWhite, at), text.size());
    }
    const std::size_t end = std::min(text.find_first_not_of(kDigits, at), text.size());
    const std::string digits(text.substr(at, end - at));
    at = end;
    return digits.empty() || digits.size() > kLongest ? 0 : std::stoull(digits);
  };
  const std::uint64_t width = number(), height = number(), largest = number();
  if (width == 0 || height == 0 || largest == 0) return "its header is damaged";
  if (largest > 255) return "its samples have more than 8 bits";
  const std::uint64_t channels = text[1] == '6' ? 3 : 1;
  return at + 1 + width * height * channels > bytes.size() ? kCutOff : "";
}

/// A head of 18 bytes, a comment, the pixels; those of palettes and runs stb_image reads one by
/// one.
std::string tga_problem(Bytes bytes) {
  constexpr std::size_t kHead = 18;
  if (bytes.size() < kHead) return "";  // and no picture
  const auto extent = [&](std::size_t at) { return bytes[at] | std::size_t{bytes[at + 1]} << 8; };
  const bool plain = bytes[2] == 2 || bytes[2] == 3;
  const std::size_t pixels = extent(12) * extent(14) * ((bytes[16] + 7U) / 8);
  return plain && kHead + bytes[0] + pixels > bytes.size() ? kCutOff : "";
}

}  // namespace

bool is_unwanted_format(Bytes bytes) {
  static constexpr std::array<std::string_view, 5> kStarts = {"GIF8", "8BPS", "\x53\x80\xF6\x34",
                                                              "#?RADIANCE", "#?RGBE"};
  return std::any_of(kStarts.begin(), kStarts.end(),
                     [&](std::string_view start) { return starts_with(bytes, start); });
}

std::string picture_problem(Bytes bytes) {
  if (starts_with(bytes, kPng)) return png_problem(bytes);
  if (is_jpeg(bytes)) return jpeg_problem(bytes);
  if (starts_with(bytes, "P5") || starts_with(bytes, "P6")) return pnm_problem(bytes);
  return starts_with(bytes, "BM") ? "" : tga_problem(bytes);
}

std::uint64_t most_pixels(Bytes bytes) {
  constexpr std::uint64_t kInPng = 8 * 1032;  // of one bit, deflated as far as that goes
  constexpr std::uint64_t kInJpeg = 512;      // a bit for 8 x 8 of the brightness
  constexpr std::uint64_t kInOther = 128;     // runs of a TGA
  const bool png = starts_with(bytes, kPng);
  return bytes.size() * (png ? kInPng : is_jpeg(bytes) ? kInJpeg : kInOther);
}

}  // namespace afterglow
