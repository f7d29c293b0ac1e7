#include "nn/models/colorization_model.hpp"

#include "base/error.hpp"
#include "nn/models/alexnet.hpp"
#include "nn/models/vgg16.hpp"

namespace afterglow {

std::string arch_name(Arch arch) { return arch == Arch::kAlexnet ? "alexnet" : "vgg16"; }

std::string decoder_name(Decoder decoder) {
  return decoder == Decoder::kUpsample ? "upsample" : "deconv";
}

Arch parse_arch(const std::string& text, const std::string& subject) {
  if (text == "alexnet") return Arch::kAlexnet;
  if (text == "vgg16") return Arch::kVgg16;
  throw InputError(subject, "there is no architecture '" + text + "'", "use alexnet or vgg16");
}

Decoder parse_decoder(const std::string& text, const std::string& subject) {
  if (text == "upsample") return Decoder::kUpsample;
  if (text == "deconv") return Decoder::kDeconv;
  throw InputError(subject, "there is no decoder '" + text + "'", "use upsample or deconv");
}

Variable ColorizationModel::forward(const Variable& x) {
  const Shape& shape = x.shape();
  if (shape.rank() != 4 || shape[0] < 1 || shape[1] != kNetworkSize || shape[2] != kNetworkSize ||
      shape[3] != 6) {
    throw ShapeError("the " + arch_name(spec_.arch) + " network takes (N, 128, 128, 6), not " +
                     shape.to_string());
  }
  return run(x);
}

std::unique_ptr<ColorizationModel> make_model(const std::shared_ptr<Backend>& backend,
                                              const ModelSpec& spec, std::uint64_t seed) {
  Rng rng(seed);
  if (spec.arch == Arch::kAlexnet) return std::make_unique<Alexnet>(backend, spec, rng);
  return std::make_unique<Vgg16>(backend, spec, rng);
}

}  // namespace afterglow
