#include "kernels/cpu/onednn.hpp"

#include <algorithm>
#include <dnnl.hpp>
#include <unordered_map>

#include "base/error.hpp"

namespace afterglow {

namespace {

using Tag = dnnl::memory::format_tag;
using Dims = dnnl::memory::dims;

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

const dnnl::stream& cpu_stream() {
  static const dnnl::stream stream(cpu_engine());
  return stream;
}

using Type = dnnl::memory::data_type;

dnnl::memory::desc floats(const Dims& dims, Tag tag) { return {dims, Type::f32, tag}; }

// Memory objects take a mutable pointer even for what is only read.
dnnl::memory wrap(const dnnl::memory::desc& desc, const void* data) {
  return {desc, cpu_engine(), const_cast<void*>(data)};
}

// The walk of the window in oneDNN's words: dilation counts from 0, and the padding behind is what
// the output reaches past the input.
struct Walk {
  Dims strides, dilations, pad_before, pad_after;

  explicit Walk(const ConvolutionShape& s)
      : strides{s.stride, s.stride},
        dilations{s.dilation - 1, s.dilation - 1},
        pad_before{s.pad_top, s.pad_left},
        pad_after{reach_past(s.oh, s.kh, s.h, s.pad_top, s),
                  reach_past(s.ow, s.kw, s.w, s.pad_left, s)} {}

 private:
  static std::int32_t reach_past(std::int32_t out, std::int32_t window, std::int32_t in,
                                 std::int32_t before, const ConvolutionShape& s) {
    return std::max(0, (out - 1) * s.stride + (window - 1) * s.dilation + 1 - in - before);
  }
};

struct Layouts {
  dnnl::memory::desc x, w, b, y;  // w in the format that oneDNN prefers

  // As the forward pass that a backward one is derived from, all of bfloat16, or as the pass
  // itself, whose inputs alone are.
  explicit Layouts(const ConvolutionKey& key, bool derived_from = false) {
    const ConvolutionShape& s = key.shape;
    const bool data = key.pass == ConvolutionPass::kBackwardData;
    const bool weights = key.pass == ConvolutionPass::kBackwardWeights;
    const auto type = [&](bool is_input) {
      return key.bfloat16 && (is_input || derived_from) ? Type::bf16 : Type::f32;
    };
    x = {Dims{s.n, s.c, s.h, s.w}, type(!data), Tag::nhwc};
    w = {Dims{s.k, s.c, s.kh, s.kw}, type(!weights), Tag::any};
    y = {Dims{s.n, s.k, s.oh, s.ow}, type(data || weights), Tag::nhwc};
    if (key.bias) b = floats({s.k}, Tag::x);
  }
};

// The caller's kernel: (KH, KW, C, K), or transposed (KH, KW, K, C).
dnnl::memory::desc plain_kernel(const ConvolutionKey& key) {
  const std::int64_t k = key.shape.k, c = key.shape.c, kw = key.shape.kw;
  const bool transposed = key.pass == ConvolutionPass::kForwardTransposed;
  return {Dims{k, c, key.shape.kh, kw}, dnnl::memory::data_type::f32,
          transposed ? Dims{c, 1, kw * k * c, k * c} : Dims{1, k, kw * k * c, k * c}};
}

dnnl::primitive_attr attributes(Activation activation) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (activation == Activation::kRelu) {
    dnnl::post_ops ops;
    ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
    attr.set_post_ops(ops);
  }
  return attr;
}

dnnl::convolution_forward::primitive_desc forward_desc(const ConvolutionKey& key,
                                                       dnnl::prop_kind kind) {
  const Layouts l(key, kind == dnnl::prop_kind::forward_training);
  const Walk walk(key.shape);
  return {{kind, dnnl::algorithm::convolution_direct, l.x, l.w, l.b, l.y, walk.strides,
           walk.dilations, walk.pad_before, walk.pad_after},
          attributes(key.activation),
          cpu_engine()};
}

dnnl::convolution_backward_data::primitive_desc backward_data_desc(const ConvolutionKey& key) {
  const Layouts l(key);
  const Walk walk(key.shape);
  return {{dnnl::algorithm::convolution_direct, l.x, l.w, l.y, walk.strides, walk.dilations,
           walk.pad_before, walk.pad_after},
          attributes(Activation::kNone),
          cpu_engine(),
          forward_desc(key, dnnl::prop_kind::forward_training)};
}

dnnl::convolution_backward_weights::primitive_desc backward_weights_desc(
    const ConvolutionKey& key) {
  const Layouts l(key);
  const Walk walk(key.shape);
  return {{dnnl::algorithm::convolution_direct, l.x, l.w, l.b, l.y, walk.strides, walk.dilations,
           walk.pad_before, walk.pad_after},
          attributes(Activation::kNone),
          cpu_engine(),
          forward_desc(key, dnnl::prop_kind::forward_training)};
}

}  // namespace

struct OneDnnConvolution::Parts {
  ConvolutionPass pass;
  dnnl::memory::desc x, w, b, y, scratchpad;
  dnnl::memory::desc plain_w;  // the caller's layout
  dnnl::primitive convolution;
  dnnl::reorder reorder;  // of the kernel; unused when both layouts are the same
  dnnl::memory::desc reorder_scratchpad;
  dnnl::memory::desc plain_x, plain_y;  // the caller's; unlike x and y where those are rounded
  std::string implementation;

  explicit Parts(const ConvolutionKey& key) : pass(key.pass) {
    const Layouts l(key);
    x = l.x;
    b = l.b;
    y = l.y;
    plain_w = plain_kernel(key);
    const ConvolutionShape& s = key.shape;
    plain_x = floats({s.n, s.c, s.h, s.w}, Tag::nhwc);
    plain_y = floats({s.n, s.k, s.oh, s.ow}, Tag::nhwc);
    switch (pass) {
      case ConvolutionPass::kForward:
      case ConvolutionPass::kForwardTransposed: {
        const auto desc = forward_desc(key, dnnl::prop_kind::forward_inference);
        take<dnnl::convolution_forward>(desc, desc.weights_desc());
        break;
      }
      case ConvolutionPass::kBackwardData: {
        const auto desc = backward_data_desc(key);
        take<dnnl::convolution_backward_data>(desc, desc.weights_desc());
        break;
      }
      case ConvolutionPass::kBackwardWeights: {
        const auto desc = backward_weights_desc(key);
        take<dnnl::convolution_backward_weights>(desc, desc.diff_weights_desc());
        break;
      }
    }
    if (w != plain_w) make_reorder();
  }

  template <typename Primitive, typename Desc>
  void take(const Desc& desc, const dnnl::memory::desc& preferred_w) {
    w = preferred_w;
    scratchpad = desc.scratchpad_desc();
    implementation = desc.impl_info_str();
    convolution = Primitive(desc);
  }

  void make_reorder() {
    const bool gradient = pass == ConvolutionPass::kBackwardWeights;
    const dnnl::reorder::primitive_desc desc(cpu_engine(), gradient ? w : plain_w, cpu_engine(),
                                             gradient ? plain_w : w, attributes(Activation::kNone));
    reorder = dnnl::reorder(desc);
    reorder_scratchpad = desc.scratchpad_desc();
  }

  void run_reorder(const void* from, void* to,
                   const std::function<Buffer(std::size_t)>& allocate) const {
    const bool gradient = pass == ConvolutionPass::kBackwardWeights;
    const Buffer scratch = allocate(reorder_scratchpad.get_size());
    reorder.execute(cpu_stream(),
                    {{DNNL_ARG_FROM, wrap(gradient ? w : plain_w, from)},
                     {DNNL_ARG_TO, wrap(gradient ? plain_w : w, to)},
                     {DNNL_ARG_SCRATCHPAD, wrap(reorder_scratchpad, scratch.data.get())}});
  }

  // A source of the pass in the format `inner`: itself, or rounded into `buffer`.
  static dnnl::memory source(const dnnl::memory::desc& plain, const dnnl::memory::desc& inner,
                             const float* data, Buffer& buffer,
                             const std::function<Buffer(std::size_t)>& allocate) {
    if (plain == inner) return wrap(plain, data);
    buffer = allocate(inner.get_size());
    dnnl::memory from = wrap(plain, data), to = wrap(inner, buffer.data.get());
    dnnl::reorder(from, to).execute(cpu_stream(), from, to);
    return to;
  }
};

std::optional<Bfloat16Rates> bfloat16_rates() {
  const auto has = [isa = int(dnnl::get_effective_cpu_isa())](dnnl::cpu_isa wanted) {
    return (isa & int(wanted)) == int(wanted);
  };
  if (has(dnnl::cpu_isa::avx512_core_amx)) return Bfloat16Rates{7, 4, 1.8};
#if defined(__x86_64__)
  if (has(dnnl::cpu_isa::avx512_core_bf16) && __builtin_cpu_is("amd")) {
    return Bfloat16Rates{1.8, 1.5, 1.2};
  }
#endif
  return std::nullopt;
}

OneDnnConvolution::OneDnnConvolution(const ConvolutionKey& key) {
  try {
    parts_ = std::make_unique<Parts>(key);
  } catch (const dnnl::error& error) {
    throw Unsupported(std::string("oneDNN cannot do this convolution: ") + error.what());
  }
}

OneDnnConvolution::~OneDnnConvolution() = default;

std::size_t OneDnnConvolution::kernel_size() const {
  if (parts_->w == parts_->plain_w) return 0;
  return (parts_->w.get_size() + sizeof(float) - 1) / sizeof(float);
}

std::string OneDnnConvolution::kernel_format() const {
  const dnnl_memory_desc_t& w = parts_->w.data;
  const dnnl_blocking_desc_t& blocks = w.format_desc.blocking;
  std::string format = std::to_string(int(w.data_type)) + ' ';
  for (int i = 0; i < w.ndims; ++i) format += std::to_string(blocks.strides[i]) + ' ';
  for (int i = 0; i < blocks.inner_nblks; ++i) {
    format +=
        std::to_string(blocks.inner_idxs[i]) + ':' + std::to_string(blocks.inner_blks[i]) + ' ';
  }
  return format;
}

void OneDnnConvolution::reorder_kernel(const float* w, float* reordered,
                                       const std::function<Buffer(std::size_t)>& allocate) const {
  parts_->run_reorder(w, reordered, allocate);
}

void OneDnnConvolution::run(const ConvolutionTensors& t,
                            const std::function<Buffer(std::size_t)>& allocate) const {
  const Parts& p = *parts_;
  const Buffer scratch = allocate(p.scratchpad.get_size());
  std::unordered_map<int, dnnl::memory> arguments{
      {DNNL_ARG_SCRATCHPAD, wrap(p.scratchpad, scratch.data.get())}};
  Buffer rounded_x, rounded_y;

  if (p.pass == ConvolutionPass::kBackwardWeights) {
    const bool reordered = kernel_size() > 0;
    const Buffer inner_w = allocate(reordered ? p.w.get_size() : 0);
    arguments[DNNL_ARG_SRC] = p.source(p.plain_x, p.x, t.x, rounded_x, allocate);
    arguments[DNNL_ARG_DIFF_DST] = p.source(p.plain_y, p.y, t.dy, rounded_y, allocate);
    arguments[DNNL_ARG_DIFF_WEIGHTS] =
        wrap(p.w, reordered ? static_cast<void*>(inner_w.data.get()) : t.dw);
    p.convolution.execute(cpu_stream(), arguments);
    if (reordered) p.run_reorder(inner_w.data.get(), t.dw, allocate);
    return;
  }

  arguments[DNNL_ARG_WEIGHTS] = wrap(p.w, t.w);
  if (p.pass == ConvolutionPass::kBackwardData) {
    arguments[DNNL_ARG_DIFF_DST] = p.source(p.plain_y, p.y, t.dy, rounded_y, allocate);
    arguments[DNNL_ARG_DIFF_SRC] = wrap(p.x, t.dx);
  } else {
    arguments[DNNL_ARG_SRC] = p.source(p.plain_x, p.x, t.x, rounded_x, allocate);
    arguments[DNNL_ARG_DST] = wrap(p.y, t.y);
    if (t.b != nullptr) arguments[DNNL_ARG_BIAS] = wrap(p.b, t.b);
  }
  p.convolution.execute(cpu_stream(), arguments);
}

const std::string& OneDnnConvolution::implementation() const { return parts_->implementation; }

void multiply(const ProductSizes& sizes, Matrix a, Matrix b, float* c) {
  const auto [m, n, k] = sizes;
  const dnnl_status_t status =
      dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', m, n, k, 1.0F, a.data,
                 a.transposed ? m : k, b.data, b.transposed ? k : n, 0.0F, c, n);
  if (status == dnnl_out_of_memory) throw std::bad_alloc();
  if (status != dnnl_success) throw Error("oneDNN cannot do this matrix product");
}

}  // namespace afterglow
