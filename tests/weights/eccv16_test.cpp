// The ECCV16 colorizer on files with weights of an arithmetic rule, against OpenCV's dnn and
// PyTorch (data/make_eccv16_goldens.py).
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "base/error.hpp"
#include "base/hdf5.hpp"
#include "base/sha256.hpp"
#include "support/golden_values.hpp"
#include "support/largest.hpp"
#include "support/temporary_folder.hpp"
#include "support/weights/eccv16_files.hpp"
#include "weights/eccv16_file.hpp"

namespace afterglow {
namespace {

using test::largest;
using test::largest_difference;

constexpr std::int64_t kHeight = 64, kWidth = 48;
constexpr std::int64_t kStoredBins = 16;  // every so many-th bin's score is in the file

Tensor golden_lightness(const std::shared_ptr<Backend>& backend) {
  std::vector<float> values;
  for (const double value : golden_values("lightness", kHeight * kWidth)) {
    values.push_back(static_cast<float>(50 * value));
  }
  return Tensor::from_host(backend, {1, kHeight, kWidth, 1}, values);
}

/// The network of a file against the stored scores and colours.
void check(const std::filesystem::path& file, const std::string& golden) {
  // Scores are sums of up to 4608 products in float32, 22 layers deep, in another order (and by
  // Winograd's algorithm); their error, times half of the bins' range, is that of the colours.
  constexpr double kOfLargestScore = 1e-3, kColour = 1e-2;
  const auto backend = make_cpu_backend();
  const LoadedEccv16 loaded = load_eccv16({file, {}, {}}, backend);
  const NoGradient inference;
  const Variable lightness(golden_lightness(backend));
  const std::vector<float> scores = loaded.model->scores(lightness).value().to_host();
  std::vector<float> stored;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (i % Eccv16::kBins % kStoredBins == 0) stored.push_back(scores[i]);
  }
  const Variable ab = loaded.model->forward(lightness);
  REQUIRE(ab.shape() == Shape{1, kHeight / 4, kWidth / 4, 2});

  const hdf5::File goldens = hdf5::File::open(std::string(AFTERGLOW_TEST_DATA) + "/eccv16.h5");
  const std::vector<float> scores_there = goldens.read<float>(golden + "_scores");
  const std::vector<float> ab_there = goldens.read<float>(golden + "_ab");
  const double error = largest_difference(stored, scores_there);
  const double ab_error = largest_difference(ab.value().to_host(), ab_there);
  UNSCOPED_INFO("scores differ by " << error << " of " << largest(scores_there) << ", ab by "
                                    << ab_error);
  CHECK(error < kOfLargestScore * largest(scores_there));
  CHECK(ab_error < kColour);
}

}  // namespace

TEST_CASE("the bins' centres are those of the authors' pts_in_hull.npy") {
  // The file: a header, then 313 pairs of int64.
  std::string header = "{'descr': '<i8', 'fortran_order': False, 'shape': (313, 2), }";
  header.resize(69, ' ');
  std::string bytes = std::string("\x93NUMPY\x01", 7) + '\0' + 'F' + '\0' + header + '\n';
  for (const auto& bin : eccv16_bins()) {
    for (const float value : bin) {
      const auto whole = static_cast<std::int64_t>(value);
      bytes.append(reinterpret_cast<const char*>(&whole), sizeof whole);
    }
  }
  CHECK(sha256(bytes) == "b5dec01315c34f43f1c8c089e84c45ae35d1838d8e77ed0e7ca930f79ffa450e");
}

TEST_CASE("a caffemodel's colours are those of OpenCV's dnn", "[golden]") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "rule.caffemodel";
  test::write_bytes(file, test::caffemodel_bytes(test::eccv16_caffe_weights()));
  check(file, "caffe");
}

TEST_CASE("a pth's colours are those of PyTorch", "[golden]") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "rule.pth";
  test::write_bytes(file, test::legacy_torch_bytes(test::eccv16_torch_weights()));
  check(file, "torch");
}

}  // namespace afterglow
