// The two networks of Fang & Chaudhri 2019: [current colorized frame, previous frame] -> true
// frame.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nn/layer_description.hpp"
#include "nn/module.hpp"

namespace afterglow {

/// Width and height of the networks' pictures; no other size comes out as it went in.
inline constexpr std::int64_t kNetworkSize = 128;
/// The same, as pictures count.
inline constexpr int kNetworkSide = static_cast<int>(kNetworkSize);

enum class Arch { kAlexnet, kVgg16 };
/// How the decoder doubles its size: nearest upsampling and a convolution (the paper's code), or
/// one trained stride-2 transposed convolution (the poster's "deconvolution").
enum class Decoder { kUpsample, kDeconv };

/// "alexnet", "vgg16"; "upsample", "deconv".
std::string arch_name(Arch arch);
std::string decoder_name(Decoder decoder);
/// The inverse. Throws InputError(subject, ...) for anything else.
Arch parse_arch(const std::string& text, const std::string& subject = "--arch");
Decoder parse_decoder(const std::string& text, const std::string& subject = "--decoder");

struct ModelSpec {
  Arch arch = Arch::kAlexnet;
  Decoder decoder = Decoder::kUpsample;
  /// Hidden layers have so many times fewer channels: networks of the same form that a test can
  /// afford. Model files hold whole ones (1) alone.
  std::int32_t narrow = 1;

  bool operator==(const ModelSpec&) const = default;
};

/// A network. Pixels are 0..255 in and out; the output is not clamped (ReLU: 0 to above 255).
class ColorizationModel : public Module {
 public:
  /// x: (N, 128, 128, 6), RGB of the current colorized frame, then of the previous frame. Returns
  /// (N, 128, 128, 3). Throws ShapeError for anything else.
  Variable forward(const Variable& x);

  const ModelSpec& spec() const { return spec_; }

  /// Names of the encoder layers whose weights came from a file of pretrained ones.
  const std::vector<std::string>& pretrained() const { return pretrained_; }
  void set_pretrained(std::vector<std::string> layers) { pretrained_ = std::move(layers); }

  /// Every batch norm weighs a training-mode batch by 1 - momentum in its running statistics.
  virtual void set_norm_momentum(float momentum) = 0;

  /// The network's definition from (N, 128, 128, 6) to (N, 128, 128, 3), upsampling in front of the
  /// batch norm as in the paper's code.
  virtual std::vector<LayerDescription> describe() const = 0;

 protected:
  explicit ColorizationModel(const ModelSpec& spec) : Module("model"), spec_(spec) {}
  virtual Variable run(const Variable& x) = 0;

 private:
  ModelSpec spec_;
  std::vector<std::string> pretrained_;
};

/// Makes a network with fresh weights drawn from the seed; a VGG16 encoder is frozen.
std::unique_ptr<ColorizationModel> make_model(const std::shared_ptr<Backend>& backend,
                                              const ModelSpec& spec, std::uint64_t seed);

}  // namespace afterglow
