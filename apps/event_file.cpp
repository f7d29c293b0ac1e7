#include "apps/event_file.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <string_view>

#include "apps/tensorboard.pb.h"

namespace afterglow {
namespace fs = std::filesystem;

namespace {

/// CRC-32C (Castagnoli), as TFRecords store it: rotated by 15 bits, and a constant added.
std::uint32_t masked_crc(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> entries{};
    for (std::uint32_t i = 0; i < entries.size(); ++i) {
      std::uint32_t entry = i;
      for (int bit = 0; bit < 8; ++bit) entry = entry >> 1 ^ (entry & 1 ? 0x82f63b78U : 0U);
      entries[i] = entry;
    }
    return entries;
  }();
  std::uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc = table[(crc ^ static_cast<unsigned char>(byte)) & 0xff] ^ crc >> 8;
  }
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8U;
}

/// The value's bytes, the lowest first.
template <typename Value>
std::string little_endian(Value value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    bytes += static_cast<char>(value >> 8 * i & 0xff);
  }
  return bytes;
}

tensorboard::Event event_at(std::int64_t step) {
  tensorboard::Event event;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  event.set_wall_time(std::chrono::duration<double>(now).count());
  event.set_step(step);
  return event;
}

/// Names sort by time: TensorBoard reads a folder's files in this order.
std::string file_name() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  char host[256] = "localhost";
  gethostname(host, sizeof host - 1);
  return EventFile::kPrefix +
         std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()) + "." +
         host + "." + std::to_string(getpid());
}

}  // namespace

EventFile::EventFile(const fs::path& folder, std::int64_t first_step)
    : file_(folder / file_name()) {
  tensorboard::Event version = event_at(0);
  version.set_file_version("brain.Event:2");
  write(version.SerializeAsString());
  tensorboard::Event start = event_at(first_step);
  start.mutable_session_log()->set_status(tensorboard::SessionLog::START);
  write(start.SerializeAsString());
}

void EventFile::add_scalars(std::int64_t step, std::initializer_list<Scalar> scalars) {
  tensorboard::Event event = event_at(step);
  for (const auto& [tag, value] : scalars) {
    tensorboard::Summary::Value& entry = *event.mutable_summary()->add_value();
    entry.set_tag(tag);
    entry.set_simple_value(static_cast<float>(value));
  }
  write(event.SerializeAsString());
}

void EventFile::add_picture(std::int64_t step, const std::string& tag, const Picture& picture) {
  tensorboard::Event event = event_at(step);
  tensorboard::Summary::Value& entry = *event.mutable_summary()->add_value();
  entry.set_tag(tag);
  tensorboard::Image& image = *entry.mutable_image();
  image.set_width(picture.width);
  image.set_height(picture.height);
  image.set_colorspace(3);
  image.set_encoded_image_string(encode_picture("event.png", picture));
  write(event.SerializeAsString());
}

void EventFile::write(const std::string& event) {
  const std::string length = little_endian(std::uint64_t{event.size()});
  file_.write(length + little_endian(masked_crc(length)) + event +
              little_endian(masked_crc(event)));
}

}  // namespace afterglow
