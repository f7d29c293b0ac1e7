#include "data/flow_file.hpp"

#include <bit>
#include <cstdint>
#include <fstream>

#include "base/error.hpp"
#include "base/output_file.hpp"
#include "data/names.hpp"

namespace afterglow {
namespace {

static_assert(std::endian::native == std::endian::little, ".flo files are little-endian");

constexpr float kMagic = 202021.25F;  // "PIEH" read as a float
constexpr int kLargestFlowSide = 16384;

struct Header {
  float magic = kMagic;
  std::int32_t width = 0;
  std::int32_t height = 0;
};

}  // namespace

void write_flow(const std::filesystem::path& path, const Flow& flow) {
  OutputFile output(path);
  std::ofstream stream(output.temporary(), std::ios::binary);
  if (!stream) {
    throw InputError(path.string(), "cannot be written", "choose another output path");
  }
  const Header header{kMagic, flow.width, flow.height};
  stream.write(reinterpret_cast<const char*>(&header), sizeof header);
  stream.write(reinterpret_cast<const char*>(flow.uv.data()),
               static_cast<std::streamsize>(flow.uv.size() * sizeof(float)));
  stream.close();
  if (!stream) throw RunError(path.string() + ": could not be written whole; is the disk full?");
  output.commit();
}

Flow read_flow(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw InputError(path.string(), "cannot be read", "give an existing .flo file");
  Header header;
  stream.read(reinterpret_cast<char*>(&header), sizeof header);
  if (!stream || header.magic != kMagic) {
    throw InputError(path.string(), "is not a .flo file", "give a Middlebury flow file");
  }
  if (header.width < 1 || header.height < 1 || header.width > kLargestFlowSide ||
      header.height > kLargestFlowSide) {
    throw InputError(path.string(),
                     "has an impossible size " + size_text(header.width, header.height),
                     "give a Middlebury flow file");
  }
  // The file's size first: a header alone shall not make this take memory.
  const std::streamoff start = stream.tellg();
  stream.seekg(0, std::ios::end);
  const std::streamoff held = stream.tellg() - start;
  stream.seekg(start);
  const std::streamoff values = std::streamoff{2} * header.width * header.height;
  if (!stream || held / static_cast<std::streamoff>(sizeof(float)) < values) {
    throw InputError(path.string(), "ends too early", "fetch or make it again");
  }
  Flow flow(header.width, header.height);
  stream.read(reinterpret_cast<char*>(flow.uv.data()),
              static_cast<std::streamsize>(flow.uv.size() * sizeof(float)));
  if (!stream) throw InputError(path.string(), "ends too early", "fetch or make it again");
  return flow;
}

}  // namespace afterglow
