#include <catch2/catch.hpp>
#include <cmath>

#include "softgpu/cudnn_program.hpp"
#include "softgpu/host.hpp"
#include "softgpu/numbers.hpp"
#include "support/oracle_conv.hpp"

using afterglow::Activation;
using afterglow::Conv2dGeometry;
using afterglow::Padding;
using host::check;
using host::Device;
namespace oracle = afterglow::oracle;
using namespace cudnn_program;

namespace {

using Pointers = std::vector<std::pair<std::int64_t, void*>>;

/// A plan of the offered configuration's engine, and its workspace.
struct Plan {
  Handle plan;
  Device<char> workspace;
};

Plan make_plan(Writer& writer, const std::vector<Handle>& operations, std::size_t choice) {
  const auto configurations = writer.configurations(writer.graph(operations), CUDNN_HEUR_MODE_A);
  check(writer.status());
  const Handle plan = writer.plan(configurations.at(choice));
  std::int64_t bytes = 0;
  writer.get(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &bytes);
  check(writer.status());
  return {plan, Device<char>(static_cast<std::size_t>(bytes))};
}

// Where default_engines() has what.
constexpr std::size_t kTensorCore = 0, kNondeterministic = 1, kUnsupported = 2, kPlain = 4;

/// Runs operations on the machine once.
void run(const host::Cudnn& cudnn, Writer& writer, const std::vector<Handle>& operations,
         const Pointers& pointers, std::size_t choice = kPlain) {
  const Plan plan = make_plan(writer, operations, choice);
  const Handle pack = writer.pack(pointers, plan.workspace.get());
  check(writer.status());
  check(cudnnBackendExecute(cudnn.get(), plan.plan, pack));
  check(cudaDeviceSynchronize());
}

oracle::Doubles widened(const std::vector<float>& values) { return {values.begin(), values.end()}; }

void check_close(const std::vector<float>& got, const oracle::Doubles& want, double tolerance) {
  REQUIRE(got.size() == want.size());
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(double{got[i]} - want[i]) / (1 + std::abs(want[i]));
    worst = error <= tolerance ? std::max(worst, error) : INFINITY;
  }
  CHECK(worst <= tolerance);
}

/// A convolution's tensors: x (N,H,W,C), w (KH,KW,C,K) as the project keeps them, y (N,OH,OW,K).
struct Problem {
  Conv2dGeometry g;
  ConvolutionSpec spec;
  TensorSpec x, w, y;
  std::vector<float> xs, ws, dys;
};

Problem make_problem(const Conv2dGeometry& g) {
  Problem p;
  p.g = g;
  const auto after = [&](int in, int kernel, int out, int before) {
    const int total = (out - 1) * g.stride + (kernel - 1) * g.dilation + 1 - in;
    return std::int64_t{std::max(0, total - before)};
  };
  p.spec.pre = {g.pad_top(), g.pad_left()};
  p.spec.post = {after(g.h, g.kh, g.out_h(), g.pad_top()),
                 after(g.w, g.kw, g.out_w(), g.pad_left())};
  p.spec.stride = {g.stride, g.stride};
  p.spec.dilation = {g.dilation, g.dilation};
  p.x = channels_last(1, {g.n, g.c, g.h, g.w});
  // (K, C, R, S) whose memory is (R, S, C, K): any strides will do.
  p.w = {
      2, {g.k, g.c, g.kh, g.kw}, {1, g.k, std::int64_t{g.kw} * g.c * g.k, std::int64_t{g.c} * g.k}};
  p.y = channels_last(3, {g.n, g.k, g.out_h(), g.out_w()});
  p.xs = host::random_values(g.x_size(), 1);
  p.ws = host::random_values(g.w_size(), 2);
  p.dys = host::random_values(g.y_size(), 3);
  return p;
}

const std::vector<Conv2dGeometry>& geometries() {
  static const std::vector<Conv2dGeometry> kGeometries = {
      {2, 7, 5, 3, 4, 3, 3, 1, 1, Padding::kSame}, {1, 9, 8, 5, 3, 3, 3, 2, 1, Padding::kValid},
      {2, 8, 6, 2, 5, 5, 3, 2, 1, Padding::kSame},  // pads more behind than before
      {1, 9, 9, 2, 2, 3, 3, 1, 2, Padding::kSame}, {3, 4, 4, 7, 6, 1, 1, 1, 1, Padding::kValid},
  };
  return kGeometries;
}

}  // namespace

TEST_CASE("cuDNN convolutions and their gradients are the oracle's", "[softgpu]") {
  softgpu::reset();
  const host::Stream stream = host::make_stream();
  const host::Cudnn cudnn = host::make_cudnn(stream.get());
  for (const Conv2dGeometry& g : geometries()) {
    const Problem p = make_problem(g);
    const Device<float> x = host::to_device(p.xs), w = host::to_device(p.ws);
    const Device<float> dy = host::to_device(p.dys);
    const Device<float> y(g.y_size()), dx(g.x_size()), dw(g.w_size());
    Writer writer(linked_api());
    run(cudnn, writer, {writer.convolve(kForward, p.spec, p.x, p.w, p.y)},
        {{1, x.get()}, {2, w.get()}, {3, y.get()}});
    run(cudnn, writer, {writer.convolve(kBackwardData, p.spec, p.y, p.w, p.x)},
        {{3, dy.get()}, {2, w.get()}, {1, dx.get()}});
    run(cudnn, writer, {writer.convolve(kBackwardFilter, p.spec, p.x, p.y, p.w)},
        {{1, x.get()}, {3, dy.get()}, {2, dw.get()}});
    const auto xs = widened(p.xs), ws = widened(p.ws), dys = widened(p.dys);
    // Everything is computed in double and rounded to float32 once.
    check_close(to_host(y), oracle::conv2d(g, xs, ws, {}, Activation::kNone), 6e-8);
    check_close(to_host(dx), oracle::conv2d_backward_data(g, dys, ws), 6e-8);
    check_close(to_host(dw), oracle::conv2d_backward_weights(g, xs, dys), 6e-8);
  }
  CHECK(softgpu::races().empty());
  CHECK(softgpu::broken_guards() == 0);
}

TEST_CASE("alpha, beta and a mirrored filter", "[softgpu]") {
  softgpu::reset();
  const host::Cudnn cudnn = host::make_cudnn(nullptr);
  Problem p = make_problem(geometries()[0]);
  const Device<float> x = host::to_device(p.xs), w = host::to_device(p.ws);
  const Device<float> y = host::to_device(p.dys);
  Writer writer(linked_api());
  run(cudnn, writer, {writer.convolve(kForward, p.spec, p.x, p.w, p.y, 2, 0.5F)},
      {{1, x.get()}, {2, w.get()}, {3, y.get()}});
  oracle::Doubles want = oracle::conv2d(p.g, widened(p.xs), widened(p.ws), {}, Activation::kNone);
  for (std::size_t i = 0; i < want.size(); ++i) want[i] = 2 * want[i] + 0.5 * double{p.dys[i]};
  check_close(to_host(y), want, 1e-7);
  // A mirrored filter: its taps backwards, the channels as they are.
  p.spec.mode = CUDNN_CONVOLUTION;
  oracle::Doubles mirrored(p.ws.size());
  const std::size_t inner = p.ws.size() / 9;
  for (std::size_t i = 0; i < p.ws.size(); ++i) {
    mirrored[(8 - i / inner) * inner + i % inner] = double{p.ws[i]};
  }
  run(cudnn, writer, {writer.convolve(kForward, p.spec, p.x, p.w, p.y)},
      {{1, x.get()}, {2, w.get()}, {3, y.get()}});
  check_close(to_host(y), oracle::conv2d(p.g, widened(p.xs), mirrored, {}, Activation::kNone),
              6e-8);
}

TEST_CASE("a graph of convolution, bias and ReLU, in float32 and bfloat16", "[softgpu]") {
  softgpu::reset();
  const host::Cudnn cudnn = host::make_cudnn(nullptr);
  const Problem p = make_problem(geometries()[0]);
  const std::vector<float> bias = host::random_values(4, 4);
  const auto operations = [](Writer& writer, const Problem& q) {
    const TensorSpec b = channels_last(4, {1, q.g.k, 1, 1}, q.y.type);
    TensorSpec sum = q.y.with_uid(5).as_virtual(), biased = q.y.with_uid(6).as_virtual();
    sum.type = biased.type = CUDNN_DATA_FLOAT;
    return std::vector<Handle>{writer.convolve(kForward, q.spec, q.x, q.w, sum),
                               writer.pointwise(CUDNN_POINTWISE_ADD, sum, &b, biased),
                               writer.pointwise(CUDNN_POINTWISE_RELU_FWD, biased, nullptr, q.y)};
  };
  Writer writer(linked_api());
  {
    const Device<float> x = host::to_device(p.xs), w = host::to_device(p.ws);
    const Device<float> b = host::to_device(bias), y(p.g.y_size());
    run(cudnn, writer, operations(writer, p),
        {{1, x.get()}, {2, w.get()}, {4, b.get()}, {3, y.get()}});
    check_close(to_host(y),
                oracle::conv2d(p.g, widened(p.xs), widened(p.ws), widened(bias), Activation::kRelu),
                2e-7);
  }
  Problem narrow = p;
  narrow.x.type = narrow.w.type = narrow.y.type = CUDNN_DATA_BFLOAT16;
  const auto halves = [](const std::vector<float>& values, oracle::Doubles* rounded) {
    std::vector<std::uint16_t> result;
    for (const float value : values) {
      result.push_back(softgpu::to_bfloat16(value));
      rounded->push_back(softgpu::from_bfloat16(result.back()));
    }
    return host::to_device(result);
  };
  oracle::Doubles xs, ws, bs;
  const auto x = halves(p.xs, &xs), w = halves(p.ws, &ws), b = halves(bias, &bs);
  const Device<std::uint16_t> y(p.g.y_size());
  run(cudnn, writer, operations(writer, narrow),
      {{1, x.get()}, {2, w.get()}, {4, b.get()}, {3, y.get()}});
  std::vector<float> got;
  for (const std::uint16_t value : to_host(y)) {
    got.push_back(static_cast<float>(softgpu::from_bfloat16(value)));
  }
  check_close(got, oracle::conv2d(p.g, xs, ws, bs, Activation::kRelu), 1.0 / 256);
}

TEST_CASE("pointwise operations: multiplication, identity, the gradient of ReLU", "[softgpu]") {
  softgpu::reset();
  const host::Cudnn cudnn = host::make_cudnn(nullptr);
  const std::vector<float> a{1, -2, 3, 0, 5, -6}, b{10, 20, 30, 40, 50, 60};
  const Device<float> da = host::to_device(a), db = host::to_device(b), y(6);
  const TensorSpec first = channels_last(1, {1, 2, 1, 3}), second = first.with_uid(2);
  const TensorSpec result = first.with_uid(3);
  Writer writer(linked_api());
  run(cudnn, writer, {writer.pointwise(CUDNN_POINTWISE_MUL, first, &second, result)},
      {{1, da.get()}, {2, db.get()}, {3, y.get()}});
  CHECK(to_host(y) == std::vector<float>{10, -40, 90, 0, 250, -360});
  run(cudnn, writer, {writer.pointwise(CUDNN_POINTWISE_RELU_BWD, first, &second, result)},
      {{1, da.get()}, {2, db.get()}, {3, y.get()}});
  CHECK(to_host(y) == std::vector<float>{10, 0, 30, 0, 50, 0});
  run(cudnn, writer, {writer.pointwise(CUDNN_POINTWISE_IDENTITY, first, nullptr, result)},
      {{1, da.get()}, {3, y.get()}});
  CHECK(to_host(y) == a);
}

TEST_CASE("what is not initialised comes out as NaN", "[softgpu]") {
  softgpu::reset();
  const host::Cudnn cudnn = host::make_cudnn(nullptr);
  const Problem p = make_problem(geometries()[0]);
  const Device<float> x(p.g.x_size()), w = host::to_device(p.ws), y(p.g.y_size());
  Writer writer(linked_api());
  run(cudnn, writer, {writer.convolve(kForward, p.spec, p.x, p.w, p.y)},
      {{1, x.get()}, {2, w.get()}, {3, y.get()}});
  for (const float value : to_host(y)) CHECK(std::isnan(value));
}

TEST_CASE("cuDNN's work runs late and can be captured, and outlives its descriptors", "[softgpu]") {
  softgpu::reset();
  const host::Stream stream = host::make_stream();
  const host::Cudnn cudnn = host::make_cudnn(stream.get());
  const Device<float> x = host::to_device(std::vector<float>{-1, 2}), y(2);
  const host::Pinned<float> out(2);
  check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal));
  {
    Writer writer(linked_api());
    const TensorSpec first = channels_last(1, {1, 2, 1, 1});
    const auto configurations = writer.configurations(
        writer.graph(
            {writer.pointwise(CUDNN_POINTWISE_RELU_FWD, first, nullptr, first.with_uid(2))}),
        CUDNN_HEUR_MODE_FALLBACK);
    const Handle pack = writer.pack({{1, x.get()}, {2, y.get()}}, nullptr);
    check(cudnnBackendExecute(cudnn.get(), writer.plan(configurations.at(0)), pack));
  }
  check(cudaMemcpyAsync(out.get(), y.get(), 8, cudaMemcpyDeviceToHost, stream.get()));
  cudaGraph_t raw = nullptr;
  check(cudaStreamEndCapture(stream.get(), &raw));
  const host::Graph graph(raw);
  cudaGraphExec_t executable = nullptr;
  check(cudaGraphInstantiate(&executable, raw, 0));
  const host::Executable owner(executable);
  CHECK(std::isnan(out.get()[1]));
  check(cudaGraphLaunch(executable, stream.get()));
  check(cudaStreamSynchronize(stream.get()));
  CHECK(out.get()[0] == 0);
  CHECK(out.get()[1] == 2);
}

TEST_CASE("engines have notes, workspaces and, some of them, faults", "[softgpu]") {
  softgpu::reset();
  const host::Cudnn cudnn = host::make_cudnn(nullptr);
  const Problem p = make_problem(geometries()[0]);
  const auto want = oracle::conv2d(p.g, widened(p.xs), widened(p.ws), {}, Activation::kNone);
  const Device<float> x = host::to_device(p.xs), w = host::to_device(p.ws), y(p.g.y_size());
  const Pointers pointers{{1, x.get()}, {2, w.get()}, {3, y.get()}};
  Writer writer(linked_api());
  const Handle forward = writer.convolve(kForward, p.spec, p.x, p.w, p.y);
  const auto worst_error = [&](std::size_t choice) {
    run(cudnn, writer, {forward}, pointers, choice);
    double worst = 0;
    const std::vector<float> got = to_host(y);
    for (std::size_t i = 0; i < got.size(); ++i) {
      worst = std::max(worst, std::abs(double{got[i]} - want[i]));
    }
    return worst;
  };
  SECTION("notes and indices") {
    const auto configurations = writer.configurations(writer.graph({forward}), CUDNN_HEUR_MODE_A);
    REQUIRE(configurations.size() == softgpu::default_engines().size());
    const auto notes = [&](std::size_t choice) {
      std::vector<cudnnBackendNumericalNote_t> result(CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
      const std::int64_t count =
          writer.get(writer.engine(configurations[choice]), CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                     CUDNN_TYPE_NUMERICAL_NOTE, CUDNN_NUMERICAL_NOTE_TYPE_COUNT, result.data());
      result.resize(static_cast<std::size_t>(count));
      return result;
    };
    using Notes = std::vector<cudnnBackendNumericalNote_t>;
    CHECK(notes(kTensorCore) == Notes{CUDNN_NUMERICAL_NOTE_TENSOR_CORE});
    CHECK(notes(kNondeterministic) == Notes{CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC});
    CHECK(notes(kPlain).empty());
    std::int64_t index = 0;
    writer.get(writer.engine(configurations[kPlain]), CUDNN_ATTR_ENGINE_GLOBAL_INDEX,
               CUDNN_TYPE_INT64, 1, &index);
    CHECK(index == 1);
    CHECK(writer.status() == CUDNN_STATUS_SUCCESS);
  }
  SECTION("an engine can be named by its index") {
    const Handle engine = writer.create(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    writer.set_child(engine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, writer.graph({forward}));
    writer.set_dims(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, {1});
    writer.finalize(engine);
    const Handle configuration = writer.create(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    writer.set_child(configuration, CUDNN_ATTR_ENGINECFG_ENGINE, engine);
    writer.finalize(configuration);
    std::int64_t bytes = 0;
    writer.get(writer.plan(configuration), CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
               CUDNN_TYPE_INT64, 1, &bytes);
    CHECK(writer.status() == CUDNN_STATUS_SUCCESS);
    CHECK(bytes == 1333);
  }
  SECTION("tensor cores make TF32 of float32") {
    CHECK(worst_error(kPlain) < 1e-6);
    CHECK(worst_error(kTensorCore) > 1e-5);
    CHECK(worst_error(kTensorCore) < 1e-2);
  }
  SECTION("an engine that is not deterministic is not") {
    run(cudnn, writer, {forward}, pointers, kPlain);
    const std::vector<float> first = to_host(y);
    run(cudnn, writer, {forward}, pointers, kPlain);
    CHECK(to_host(y) == first);
    run(cudnn, writer, {forward}, pointers, kNondeterministic);
    const std::vector<float> second = to_host(y);
    run(cudnn, writer, {forward}, pointers, kNondeterministic);
    CHECK(to_host(y) != second);
  }
  SECTION("events see what an engine takes") {
    const host::Event start = host::make_event(cudaEventDefault);
    const host::Event end = host::make_event(cudaEventDefault);
    const auto time = [&](std::size_t choice) {
      check(cudaEventRecord(start.get(), nullptr));
      run(cudnn, writer, {forward}, pointers, choice);
      check(cudaEventRecord(end.get(), nullptr));
      check(cudaEventSynchronize(end.get()));
      float milliseconds = 0;
      check(cudaEventElapsedTime(&milliseconds, start.get(), end.get()));
      return milliseconds;
    };
    CHECK(time(kTensorCore) == Approx(0.010));
    CHECK(time(kPlain) == Approx(0.060));
  }
  SECTION("a plan that is not supported") {
    CHECK_THROWS_WITH(run(cudnn, writer, {forward}, pointers, kUnsupported),
                      Catch::Contains("CUDNN_STATUS_NOT_SUPPORTED"));
  }
  SECTION("a test can choose the engines") {
    softgpu::set_engines({{.index = 7, .workspace = 64}}, {});
    const Handle graph = writer.graph({forward});
    CHECK(writer.configurations(graph, CUDNN_HEUR_MODE_B).size() == 1);
    CHECK(writer.configurations(graph, CUDNN_HEUR_MODE_FALLBACK).empty());
  }
}

TEST_CASE("the workspace is scribbled over", "[softgpu]") {
  softgpu::reset();
  const host::Cudnn cudnn = host::make_cudnn(nullptr);
  const Problem p = make_problem(geometries()[0]);
  const Device<float> x = host::to_device(p.xs), w = host::to_device(p.ws), y(p.g.y_size());
  Writer writer(linked_api());
  const Plan plan = make_plan(writer, {writer.convolve(kForward, p.spec, p.x, p.w, p.y)}, kPlain);
  check(cudaMemset(plan.workspace.get(), 1, plan.workspace.size()));
  const Handle pack = writer.pack({{1, x.get()}, {2, w.get()}, {3, y.get()}}, plan.workspace.get());
  check(cudnnBackendExecute(cudnn.get(), plan.plan, pack));
  CHECK(to_host(plan.workspace) == std::vector<char>(1333, char(0xff)));
}
