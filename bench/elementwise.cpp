// Everything but convolutions and the loss, at sizes of the networks' layers, beside a copy (one
// read, one write) or a triad (two reads, one write) of the same arrays.
//
//   bench_elementwise                              Google Benchmark and its options
//   bench_elementwise --summary [--json FILE] [--filter TEXT] [--seconds N]
#include <cmath>

#include "bench/memory_bound.hpp"
#include "support/oracle_elementwise.hpp"
#include "support/oracle_function.hpp"
#include "support/oracle_norm.hpp"
#include "support/oracle_pixels.hpp"
#include "support/oracle_pool.hpp"
#include "support/oracle_warp.hpp"

namespace afterglow::bench {
namespace {

using oracle::Doubles;
using Spans = std::vector<Destination>;
using Values = std::vector<Doubles>;

constexpr float kEpsilon = 1e-3F;
constexpr bool kCopy = false, kTriad = true;

// A batch of 16 activations of size x size pixels.
struct Layer {
  std::int32_t size, channels;

  std::size_t count() const { return 16 * std::size_t(size) * size * channels; }
  FrameGeometry frames() const { return {16, size, size, channels}; }
  ChannelGeometry rows() const { return {16 * std::int64_t{size} * size, channels}; }
  Pool2dGeometry pool(std::int32_t window) const {
    return {16, size, size, channels, window, 2, Padding::kValid};
  }
  std::string name() const {
    return " 16x" + std::to_string(size) + "x" + std::to_string(size) + "x" +
           std::to_string(channels);
  }
};

// A work on arrays of random values. `run` computes the last `results` of them, for which `oracle`
// gives what they should be from all values as they were before.
struct Plan {
  std::string name;
  std::vector<std::size_t> counts;
  std::size_t results;
  double passes;
  bool triad;
  std::function<void(Backend&, const Spans&)> run;
  std::function<Values(const Values&)> oracle;
  // What arrays that cannot hold random values get.
  std::function<void(Backend&, const Spans&)> set_up = [](Backend&, const Spans&) {};
};

Work work(Backend& backend, const Plan& plan) {
  const auto prepare = [&backend, plan] {
    std::vector<Array> arrays;
    Spans spans;
    for (const std::size_t count : plan.counts) {
      arrays.emplace_back(backend, count, unsigned(arrays.size()) + 1);
      spans.push_back(arrays.back().span());
    }
    plan.set_up(backend, spans);
    const auto values = [&backend, arrays] {
      Values all;
      for (const Array& array : arrays) all.push_back(array.read(backend));
      return all;
    };
    const auto run = [&backend, run = plan.run, arrays, spans] { run(backend, spans); };
    const auto error = [plan, values, run] {
      const Values expected = plan.oracle(values());
      run();
      const Values all = values();
      double worst = expected.size() == plan.results ? 0 : 1;
      for (std::size_t i = 0; i < expected.size(); ++i)
        worst = std::max(worst, relative_error(all[all.size() - plan.results + i], expected[i]));
      return worst;
    };
    return Prepared{run, error};
  };
  return {plan.name, *std::max_element(plan.counts.begin(), plan.counts.end()), plan.passes,
          plan.triad, prepare};
}

using Plans = std::vector<Plan>;

void add_elementwise(Plans& plans, const Layer& layer) {
  const std::size_t n = layer.count();
  const std::string name = layer.name();
  plans.push_back({"relu" + name,
                   {n, n},
                   1,
                   2,
                   kCopy,
                   [](Backend& cpu, const Spans& s) { cpu.relu(s[0], s[1]); },
                   [](const Values& v) { return Values{oracle::relu(v[0])}; }});
  plans.push_back({"relu_backward" + name,
                   {n, n, n},
                   1,
                   3,
                   kTriad,
                   [](Backend& cpu, const Spans& s) { cpu.relu_backward(s[0], s[1], s[2]); },
                   [](const Values& v) { return Values{oracle::relu_backward(v[0], v[1])}; }});
  plans.push_back({"add" + name,
                   {n, n, n},
                   1,
                   3,
                   kTriad,
                   [](Backend& cpu, const Spans& s) { cpu.add(s[0], s[1], s[2]); },
                   [](const Values& v) {
                     Doubles sum = v[0];
                     for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += v[1][i];
                     return Values{sum};
                   }});
}

void add_norms(Plans& plans, const Layer& layer) {
  const std::size_t n = layer.count(), c = std::size_t(layer.channels);
  const ChannelGeometry g = layer.rows();
  const std::string name = layer.name();
  // x, gamma, beta; y, mean, variance
  plans.push_back({"batch_norm" + name,
                   {n, c, c, n, c, c},
                   3,
                   3,
                   kCopy,
                   [g](Backend& cpu, const Spans& s) {
                     cpu.batch_norm(g, s[0], s[1], s[2], kEpsilon, s[3], s[4], s[5]);
                   },
                   [g](const Values& v) {
                     const auto norm = oracle::batch_norm(g, v[0], v[1], v[2], double(kEpsilon));
                     return Values{norm.y, norm.mean, norm.variance};
                   }});
  // x, dy, gamma, mean, variance; dx, dgamma, dbeta
  plans.push_back(
      {"batch_norm_backward" + name,
       {n, n, c, c, c, n, c, c},
       3,
       5,
       kTriad,
       [g](Backend& cpu, const Spans& s) {
         cpu.batch_norm_backward(g, s[0], s[1], s[2], s[3], s[4], kEpsilon, s[5], s[6], s[7]);
       },
       [g](const Values& v) {
         const auto slopes = oracle::batch_norm_backward(g, v[0], v[1], v[2], double(kEpsilon));
         return Values{slopes.dx, slopes.dgamma, slopes.dbeta};
       },
       [g](Backend& cpu, const Spans& s) {
         cpu.batch_norm(g, s[0], s[2], s[7], kEpsilon, s[5], s[3], s[4]);
       }});
  // x, gamma, beta, mean, variance; y
  plans.push_back({"batch_norm_inference" + name,
                   {n, c, c, c, c, n},
                   1,
                   2,
                   kCopy,
                   [g](Backend& cpu, const Spans& s) {
                     cpu.batch_norm_inference(g, s[0], {s[1], s[2], s[3], s[4], kEpsilon}, s[5]);
                   },
                   [g](const Values& v) {
                     return Values{oracle::batch_norm_inference(g, v[0], v[1], v[2], v[3], v[4],
                                                                double(kEpsilon))};
                   },
                   [](Backend& cpu, const Spans& s) { cpu.fill(s[4], 0.5F); }});
}

void add_max_pool(Plans& plans, const Layer& layer) {
  const Pool2dGeometry g = layer.pool(2);
  const std::size_t x = g.x_size(), y = g.y_size();
  // A winner is 2 bits.
  const double passes = 1 + (1 + 2.0 / 32) * double(y) / double(x);
  const auto winners = std::make_shared<std::vector<std::uint8_t>>(g.winners_size());
  plans.push_back(
      {"max_pool2d" + layer.name(),
       {x, y},
       1,
       passes,
       kCopy,
       [g, winners](Backend& cpu, const Spans& s) { cpu.max_pool2d(g, s[0], s[1], *winners); },
       [g](const Values& v) { return Values{oracle::max_pool2d(g, v[0]).y}; }});
  // x, dy; dx
  const auto places = std::make_shared<std::vector<std::uint8_t>>(g.winners_size());
  plans.push_back(
      {"max_pool2d_backward" + layer.name(),
       {x, y, x},
       1,
       passes,
       kCopy,
       [g, places](Backend& cpu, const Spans& s) {
         cpu.max_pool2d_backward(g, s[1], *places, s[2]);
       },
       [g](const Values& v) { return Values{oracle::max_pool2d_backward(g, v[0], v[1])}; },
       [g, places](Backend& cpu, const Spans& s) {
         const Array y_values(cpu, g.y_size(), 9);
         cpu.max_pool2d(g, s[0], y_values.span(), *places);
       }});
}

void add_avg_pool(Plans& plans, const Layer& layer) {
  const Pool2dGeometry g = layer.pool(3);
  const std::size_t x = g.x_size(), y = g.y_size();
  const double passes = 1 + double(y) / double(x);
  plans.push_back({"avg_pool2d" + layer.name(),
                   {x, y},
                   1,
                   passes,
                   kCopy,
                   [g](Backend& cpu, const Spans& s) { cpu.avg_pool2d(g, s[0], s[1]); },
                   [g](const Values& v) { return Values{oracle::avg_pool2d(g, v[0])}; }});
  plans.push_back({"avg_pool2d_backward" + layer.name(),
                   {y, x},
                   1,
                   passes,
                   kCopy,
                   [g](Backend& cpu, const Spans& s) { cpu.avg_pool2d_backward(g, s[0], s[1]); },
                   [g](const Values& v) { return Values{oracle::avg_pool2d_backward(g, v[0])}; }});
}

void add_upsample(Plans& plans, const Layer& layer) {
  const std::size_t x = layer.count();
  const std::int32_t size = layer.size, c = layer.channels;
  plans.push_back({"upsample_nearest" + layer.name(),
                   {x, 4 * x},
                   1,
                   1.25,
                   kCopy,
                   [size, c](Backend& cpu, const Spans& s) {
                     cpu.upsample_nearest(16, size, size, c, s[0], s[1]);
                   },
                   [size, c](const Values& v) {
                     return Values{oracle::upsample_nearest(16, size, size, c, v[0])};
                   }});
  plans.push_back({"upsample_nearest_backward" + layer.name(),
                   {4 * x, x},
                   1,
                   1.25,
                   kCopy,
                   [size, c](Backend& cpu, const Spans& s) {
                     cpu.upsample_nearest_backward(16, size, size, c, s[0], s[1]);
                   },
                   [size, c](const Values& v) {
                     return Values{oracle::upsample_nearest_backward(16, size, size, c, v[0])};
                   }});
}

// Two of the layer beside each other, and apart again.
void add_concat(Plans& plans, const Layer& layer) {
  const std::size_t x = layer.count(), rows = std::size_t(layer.rows().rows),
                    c = std::size_t(layer.channels);
  plans.push_back({"concat_channels" + layer.name(),
                   {x, x, 2 * x},
                   1,
                   2,
                   kCopy,
                   [g = layer.rows()](Backend& cpu, const Spans& s) {
                     cpu.concat_channels(g.rows, g.channels, g.channels, s[0], s[1], s[2]);
                   },
                   [rows, c](const Values& v) {
                     return Values{oracle::concat_channels(rows, c, c, v[0], v[1])};
                   }});
  plans.push_back({"split_channels" + layer.name(),
                   {2 * x, x, x},
                   2,
                   2,
                   kCopy,
                   [g = layer.rows()](Backend& cpu, const Spans& s) {
                     cpu.split_channels(g.rows, g.channels, g.channels, s[0], s[1], s[2]);
                   },
                   [rows, c](const Values& v) {
                     return Values{oracle::take_channels(rows, 2 * c, 0, c, v[0]),
                                   oracle::take_channels(rows, 2 * c, c, c, v[0])};
                   }});
}

// Two pixels off every side, as behind a 6 x 6 transposed convolution.
void add_crop(Plans& plans, const Layer& layer) {
  const std::int32_t size = layer.size, inside = size - 4;
  const CropGeometry g{16, size, size, layer.channels, 2, 2, inside, inside};
  const std::size_t x = g.x_size(), y = g.y_size();
  const double share = double(y) / double(x);
  plans.push_back({"crop" + layer.name(),
                   {x, y},
                   1,
                   2 * share,
                   kCopy,
                   [g](Backend& cpu, const Spans& s) { cpu.crop(g, s[0], s[1]); },
                   [g](const Values& v) { return Values{oracle::crop(g, v[0])}; }});
  plans.push_back({"crop_backward" + layer.name(),
                   {y, x},
                   1,
                   1 + share,
                   kCopy,
                   [g](Backend& cpu, const Spans& s) { cpu.crop_backward(g, s[0], s[1]); },
                   [g](const Values& v) { return Values{oracle::crop_backward(g, v[0])}; }});
}

// The activations of a network that keeps leaky ReLUs.
void add_functions(Plans& plans, const Layer& layer) {
  const std::size_t n = layer.count();
  const std::string name = layer.name();
  static constexpr Function kLeaky{FunctionKind::kLeakyRelu, 0.1F, 0};
  static constexpr Function kSigmoid{FunctionKind::kSigmoid, 0, 0};
  plans.push_back({"leaky_relu" + name,
                   {n, n},
                   1,
                   2,
                   kCopy,
                   [](Backend& cpu, const Spans& s) { cpu.apply(kLeaky, s[0], s[1]); },
                   [](const Values& v) { return Values{oracle::apply(kLeaky, v[0])}; }});
  plans.push_back(
      {"leaky_relu_backward" + name,
       {n, n, n},
       1,
       3,
       kTriad,
       [](Backend& cpu, const Spans& s) { cpu.apply_backward(kLeaky, s[0], s[1], s[2]); },
       [](const Values& v) { return Values{oracle::apply_backward(kLeaky, v[0], v[1])}; }});
  plans.push_back({"sigmoid" + name,
                   {n, n},
                   1,
                   2,
                   kCopy,
                   [](Backend& cpu, const Spans& s) { cpu.apply(kSigmoid, s[0], s[1]); },
                   [](const Values& v) { return Values{oracle::apply(kSigmoid, v[0])}; }});
}

// What works on pixels of a few channels: chroma.
void add_pixels(Plans& plans, const Layer& layer) {
  const ChannelGeometry rows = layer.rows();
  const FrameGeometry g = layer.frames();
  const std::size_t n = layer.count(), pixels = std::size_t(rows.rows);
  const double share = 1 / double(layer.channels);
  const std::string name = layer.name();
  plans.push_back({"multiply by a factor a pixel" + name,
                   {n, pixels, n},
                   1,
                   2 + share,
                   kCopy,
                   [rows](Backend& cpu, const Spans& s) { cpu.multiply(rows, s[0], s[1], s[2]); },
                   [rows](const Values& v) { return Values{oracle::multiply(rows, v[0], v[1])}; }});
  plans.push_back(
      {"pixel_length" + name,
       {n, pixels},
       1,
       1 + share,
       kCopy,
       [rows](Backend& cpu, const Spans& s) { cpu.pixel_length(rows, kEpsilon, s[0], s[1]); },
       [rows](const Values& v) {
         return Values{oracle::pixel_length(rows, double(kEpsilon), v[0])};
       }});
  plans.push_back({"sum_pixels" + name,
                   {n, std::size_t(16 * layer.channels)},
                   1,
                   1,
                   kCopy,
                   [g](Backend& cpu, const Spans& s) { cpu.sum_pixels(g, 1, s[0], s[1]); },
                   [g](const Values& v) { return Values{oracle::sum_pixels(g, 1, v[0])}; }});
  plans.push_back({"space_to_depth" + name,
                   {n, n},
                   1,
                   2,
                   kCopy,
                   [g](Backend& cpu, const Spans& s) { cpu.space_to_depth(g, s[0], s[1]); },
                   [g](const Values& v) { return Values{oracle::space_to_depth(g, v[0])}; }});
  // Ways of up to a pixel: random_values are below 1.
  plans.push_back({"warp" + name,
                   {n, 2 * pixels, n},
                   1,
                   2 + 2 * share,
                   kTriad,
                   [g](Backend& cpu, const Spans& s) { cpu.warp(g, s[0], s[1], s[2]); },
                   [g](const Values& v) { return Values{oracle::warp(g, v[0], v[1])}; }});
  plans.push_back({"warp_backward" + name,
                   {n, 2 * pixels, n},
                   1,
                   2 + 2 * share,
                   kTriad,
                   [g](Backend& cpu, const Spans& s) { cpu.warp_backward(g, s[0], s[1], s[2]); },
                   [g](const Values& v) { return Values{oracle::warp_backward(g, v[0], v[1])}; }});
  // The first channel.
  const CropGeometry slice{16, g.h * g.w, g.c, 1, 0, 0, g.h * g.w, 1};
  plans.push_back({"crop of a channel" + name,
                   {n, pixels},
                   1,
                   1 + share,
                   kCopy,
                   [slice](Backend& cpu, const Spans& s) { cpu.crop(slice, s[0], s[1]); },
                   [slice](const Values& v) { return Values{oracle::crop(slice, v[0])}; }});
}

// What happens once a step to the gradients of `n` parameters.
void add_optimizer(Plans& plans, std::size_t n) {
  const std::string name = " " + std::to_string(n);
  const AdamStep step;
  static constexpr AdamRate kRate{1e-4F};
  // gradient; parameter, m, v. The CPU's scalars are the host's.
  plans.push_back(
      {"adam" + name,
       {n, n, n, n},
       3,
       7,
       kTriad,
       [step](Backend& cpu, const Spans& s) {
         const double squares = 1;
         const AdamSlot slot{s[0], s[1], s[2], s[3]};
         cpu.adam(step, &kRate, &squares, {&slot, 1});
       },
       [step](const Values& v) {
         // The rate as it is in the first step.
         const double rate = double(kRate.step) * (1 - step.beta1) / std::sqrt(1 - step.beta2);
         oracle::Adam adam{rate, step.beta1, step.beta2, double(step.epsilon), v[1], v[2], v[3]};
         adam.step(1, v[0]);
         return Values{adam.parameter, adam.m, adam.v};
       },
       [](Backend& cpu, const Spans& s) { cpu.fill(s[3], 0.01F); }});
  plans.push_back({"sum_of_squares" + name,
                   {n, 1},
                   1,
                   1,
                   kCopy,
                   [](Backend& cpu, const Spans& s) {
                     double sum = 0;
                     const Source x = s[0];
                     cpu.sum_of_squares({&x, 1}, &sum);
                     cpu.fill(s[1], float(sum));
                   },
                   [](const Values& v) {
                     double sum = 0;
                     for (const double value : v[0]) sum += value * value;
                     return Values{Doubles{sum}};
                   }});
  constexpr float kFactor = 0.5F;
  plans.push_back({"scale" + name,
                   {n, n},
                   1,
                   2,
                   kCopy,
                   [](Backend& cpu, const Spans& s) { cpu.scale(s[0], kFactor, s[1]); },
                   [](const Values& v) {
                     Doubles y = v[0];
                     for (double& value : y) value *= double(kFactor);
                     return Values{y};
                   }});
}

struct Sizes {
  std::vector<Layer> layers, avg_pooled;
  Layer upsampled, concatenated, cropped, leaky, chroma;
  std::size_t parameters;
};

// AlexNet's average pools; the decoder's last but one upsample and crop; the networks' input; the
// steady network's largest layer and its chroma; and the VGG16 network's trained parameters.
const Sizes kNetworks{{{128, 64}, {64, 96}, {32, 256}, {128, 3}},
                      {{60, 96}, {29, 256}, {14, 256}},
                      {32, 256},
                      {128, 3},
                      {68, 96},
                      {128, 16},
                      {128, 2},
                      7'065'438};
const Sizes kSmall{{{6, 19}}, {{7, 19}, {8, 3}}, {5, 19}, {5, 3}, {9, 19}, {5, 19}, {6, 2}, 10'007};

std::vector<Work> works(Backend& backend, const Sizes& sizes) {
  Plans plans;
  for (const Layer& layer : sizes.layers) {
    add_elementwise(plans, layer);
    add_norms(plans, layer);
    add_max_pool(plans, layer);
  }
  for (const Layer& layer : sizes.avg_pooled) add_avg_pool(plans, layer);
  add_upsample(plans, sizes.upsampled);
  add_concat(plans, sizes.concatenated);
  add_crop(plans, sizes.cropped);
  add_functions(plans, sizes.leaky);
  add_pixels(plans, sizes.chroma);
  add_optimizer(plans, sizes.parameters);
  std::vector<Work> result;
  for (const Plan& plan : plans) result.push_back(work(backend, plan));
  return result;
}

}  // namespace
}  // namespace afterglow::bench

int main(int argc, char** argv) {
  using namespace afterglow::bench;
  constexpr double kFloats = 1e-5;  // sums of up to some thousand terms
  const auto backend = afterglow::make_cpu_backend();
  if (!are_right(works(*backend, kSmall), kFloats)) return 1;
  return run_memory_bound(argc, argv, "elementwise", *backend, works(*backend, kNetworks));
}
