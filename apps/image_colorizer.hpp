// The pretrained colorizer of single pictures, for gray films: every frame on its own.
#pragma once

#include <memory>
#include <string>

#include "data/picture.hpp"
#include "weights/eccv16_file.hpp"

namespace CLI {
class App;
}

namespace afterglow {

/// What --colorizer takes for it.
inline constexpr const char* kEccv16 = "eccv16";

/// Adds --weights, --bins and --temperature.
void add_eccv16_options(CLI::App& command, Eccv16Files& files);

/// Throws InputError unless the files are given just when `colorizer` is "eccv16". Weights that are
/// left out are those that `afterglow weights fetch` got, or that is an InputError, too.
void complete_eccv16_options(const std::string& colorizer, Eccv16Files& files);

class ImageColorizer {
 public:
  /// Throws what load_eccv16 throws.
  ImageColorizer(const Eccv16Files& files, const std::shared_ptr<Backend>& backend);

  /// The picture's gray version with the network's colours: the whole of it, squeezed into the
  /// square that the network was made for, and the colours stretched over it again. Throws
  /// InputError when the network's values are not finite.
  Picture colorize(const Picture& picture) const;

  /// Of the file of weights.
  const std::string& sha256() const { return loaded_.sha256; }

 private:
  std::string file_;
  std::shared_ptr<Backend> backend_;
  LoadedEccv16 loaded_;
};

}  // namespace afterglow
