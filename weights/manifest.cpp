#include "weights/manifest.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/error.hpp"
#include "base/sha256.hpp"
#include "weights/download.hpp"

namespace afterglow {
namespace {

std::string md5(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  std::size_t size = sum.size();
  if (EVP_Q_digest(nullptr, "MD5", nullptr, bytes.data(), bytes.size(), sum.data(), &size) != 1) {
    throw Error("OpenSSL cannot make an MD5 sum");
  }
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    constexpr const char* kDigits = "0123456789abcdef";
    text += kDigits[sum[i] >> 4];
    text += kDigits[sum[i] & 15];
  }
  return text;
}

}  // namespace

const std::vector<KnownWeights>& known_weights() {
  static const std::vector<KnownWeights> known = {
      {"vgg16",
       "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
       58'889'256,
       "",
       "6d6bbae143d832006294945121d1f1fc",  // tf_keras/src/applications/vgg16.py
       "CC BY 4.0 (VGG, University of Oxford)",
       "train --arch vgg16 --vgg16-weights",
       {"https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"}},
      {"eccv16",
       "colorization_release_v2.caffemodel",
       128'946'764,
       "f5af1e602646328c792e1094f9876fe9cd4c09ac46fa886e5708a1abc89137b1",
       "",
       "BSD 2-Clause (Zhang, Isola, Efros)",
       "--colorizer eccv16",
       {"https://storage.openvinotoolkit.org/repositories/datumaro/models/colorization/"
        "colorization_release_v2.caffemodel",
        "http://eecs.berkeley.edu/~rich.zhang/projects/2016_colorization/files/demo_v2/"
        "colorization_release_v2.caffemodel"}},
      {"eccv16-torch",
       "colorization_release_v2-9b330a0b.pth",
       128'976'165,
       "9b330a0bae53f4ded77b1e23defbf78beaa09c10ebc4c4999e8e4f4a160b93f9",
       "",
       "BSD 2-Clause (Zhang, Isola, Efros)",
       "--colorizer eccv16",
       {"https://colorizers.s3.us-east-2.amazonaws.com/colorization_release_v2-9b330a0b.pth"}}};
  return known;
}

const KnownWeights& find_weights(const std::string& name) {
  std::string names;
  for (const KnownWeights& known : known_weights()) {
    if (known.name == name) return known;
    names += (names.empty() ? "" : ", ") + known.name;
  }
  throw InputError(name, "is no file of weights that is known here", "give one of " + names);
}

std::optional<std::filesystem::path> find_weights_folder() {
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache == '/') {
    return std::filesystem::path(cache) / "afterglow" / "weights";
  }
  const char* const home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return std::nullopt;
  return std::filesystem::path(home) / ".cache" / "afterglow" / "weights";
}

std::filesystem::path weights_folder() {
  std::optional<std::filesystem::path> folder = find_weights_folder();
  if (!folder) {
    throw InputError("weights", "neither XDG_CACHE_HOME nor HOME says where the cache is",
                     "set one of them, or name files: fetch --to FOLDER, --weights FILE");
  }
  return *std::move(folder);
}

std::filesystem::path weights_file(const std::filesystem::path& given) {
  const auto known = std::ranges::find(known_weights(), given.string(), &KnownWeights::name);
  if (known == known_weights().end() || std::filesystem::exists(given)) return given;
  std::filesystem::path file = weights_folder() / known->file;
  if (!std::filesystem::exists(file)) {
    throw InputError(file.string(), "is not there",
                     "call afterglow weights fetch " + known->name + ", or give a file");
  }
  return file;
}

std::string check_weights(const KnownWeights& weights, std::string_view bytes) {
  if (is_html_page(bytes)) return "is an HTML page, not the file";
  if (bytes.size() != weights.bytes) {
    return "has " + std::to_string(bytes.size()) + " bytes, not " + std::to_string(weights.bytes);
  }
  const bool by_md5 = weights.sha256.empty();
  const std::string sum = by_md5 ? md5(bytes) : sha256(bytes);
  const std::string& wanted = by_md5 ? weights.md5 : weights.sha256;
  return sum == wanted ? "" : (by_md5 ? "has MD5 " : "has SHA-256 ") + sum + ", not " + wanted;
}

}  // namespace afterglow
