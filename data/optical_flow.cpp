#include "data/optical_flow.hpp"

#include <algorithm>
#include <opencv2/video/tracking.hpp>
#include <vector>

#include "base/error.hpp"
#include "data/colour.hpp"
#include "data/names.hpp"

namespace afterglow {
namespace {

std::vector<std::uint8_t> luma_bytes(const Picture& picture) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(picture.rgb.size() / 3);
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    bytes.push_back(to_byte(luma(picture.rgb[i], picture.rgb[i + 1], picture.rgb[i + 2])));
  }
  return bytes;
}

}  // namespace

Flow dis_flow(const Picture& from, const Picture& to) {
  if (from.width != to.width || from.height != to.height ||
      std::min(from.width, from.height) < kSmallestFlowSide) {
    throw ShapeError("dis_flow: from a picture of " + size_text(from.width, from.height) +
                     " to one of " + size_text(to.width, to.height));
  }
  [[maybe_unused]] static const bool on_one_thread = [] {
    cv::setNumThreads(1);
    return true;
  }();
  std::vector<std::uint8_t> now = luma_bytes(from), next = luma_bytes(to);
  const cv::Mat now_matrix(from.height, from.width, CV_8UC1, now.data());
  const cv::Mat next_matrix(to.height, to.width, CV_8UC1, next.data());
  cv::Mat result;  // empty: what is in it would be taken for a first guess
  const auto algorithm = cv::DISOpticalFlow::create(cv::DISOpticalFlow::PRESET_MEDIUM);
  algorithm->calc(now_matrix, next_matrix, result);
  Flow flow(from.width, from.height);
  result.copyTo(cv::Mat(from.height, from.width, CV_32FC2, flow.uv.data()));
  return flow;
}

}  // namespace afterglow
