#include "apps/image_colorizer.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "data/colour.hpp"
#include "data/lab_picture.hpp"
#include "weights/manifest.hpp"

namespace afterglow {

void add_eccv16_options(CLI::App& command, Eccv16Files& files) {
  command.add_option(
      "--weights", files.weights,
      "of --colorizer eccv16: colorization_release_v2.caffemodel, the .pth, or a name of "
      "`weights list` (default: what was fetched)");
  command.add_option(
      "--bins", files.bins,
      "of --colorizer eccv16: its colours' grid (pts_in_hull.npy; default: built in)");
  command.add_option(
      "--temperature", files.temperature,
      "of --colorizer eccv16: above 0; below 0.38 its colours are more vivid and less steady "
      "(default: 0.38 of a .caffemodel, 1 of a .pth)");
}

void complete_eccv16_options(const std::string& colorizer, Eccv16Files& files) {
  if (colorizer == kEccv16) {
    if (!files.weights.empty()) {
      files.weights = weights_file(files.weights);
      return;
    }
    for (const char* name : {"eccv16", "eccv16-torch"}) {
      files.weights = weights_folder() / find_weights(name).file;
      if (std::filesystem::exists(files.weights)) return;
    }
    throw InputError("--colorizer eccv16", "needs the network's weights",
                     "give a file with --weights, or call afterglow weights fetch eccv16");
  }
  if (!files.weights.empty() || !files.bins.empty() || files.temperature) {
    throw InputError("--weights, --bins and --temperature", "belong to --colorizer eccv16",
                     "add it, or leave them out");
  }
}

ImageColorizer::ImageColorizer(const Eccv16Files& files, const std::shared_ptr<Backend>& backend)
    : file_(files.weights.string()), backend_(backend), loaded_(load_eccv16(files, backend)) {}

Picture ImageColorizer::colorize(const Picture& picture) const {
  const Picture gray = gray_picture(picture);
  std::vector<float> l = lightness(resize_area(gray, loaded_.side, loaded_.side));
  for (float& value : l) value -= 50;
  const NoGradient inference;
  const Variable ab = loaded_.model->forward(
      Variable(Tensor::from_host(backend_, {1, loaded_.side, loaded_.side, 1}, l)));
  const std::vector<float> colours = ab.value().to_host();
  if (!std::all_of(colours.begin(), colours.end(), [](float x) { return std::isfinite(x); })) {
    throw InputError(file_, "gives colours that are not finite", "download the file again");
  }
  const int side = loaded_.side / Eccv16::kReduction;
  return with_colours(gray, colours, side, side);
}

}  // namespace afterglow
