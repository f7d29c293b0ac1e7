// The CUDA backend on a card: its kernels beside the memory's own speed, its convolutions, training
// steps and frames.
//
//   bench_gpu [--json FILE]
#include "bench/gpu.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>

#include "base/error.hpp"

namespace afterglow::bench {
namespace {

constexpr int kRounds = 15;
constexpr double kMicroseconds = 1e3;  // cudaEventElapsedTime gives milliseconds

double quantile(const std::vector<double>& sorted, double q) {
  return sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1) + 0.5)];
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') result += '\\';
    result += letter;
  }
  return result + '"';
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// The machine, as JSON members.
std::string machine_json() {
  cudaDeviceProp device{};
  AFTERGLOW_CUDA(cudaGetDeviceProperties(&device, 0));
  int driver = 0, runtime = 0, clock = 0, memory_clock = 0;
  AFTERGLOW_CUDA(cudaDriverGetVersion(&driver));
  AFTERGLOW_CUDA(cudaRuntimeGetVersion(&runtime));
  AFTERGLOW_CUDA(cudaDeviceGetAttribute(&clock, cudaDevAttrClockRate, 0));
  AFTERGLOW_CUDA(cudaDeviceGetAttribute(&memory_clock, cudaDevAttrMemoryClockRate, 0));
  const std::time_t now = std::time(nullptr);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%d %H:%M", std::gmtime(&now));
  return "  \"date\": " + quoted(std::string(date) + " UTC") +
         ",\n  \"device\": " + quoted(device.name) +
         ",\n  \"compute_capability\": " + number(device.major + 0.1 * device.minor) +
         ",\n  \"multiprocessors\": " + number(device.multiProcessorCount) +
         ",\n  \"memory_bytes\": " + number(static_cast<double>(device.totalGlobalMem)) +
         ",\n  \"l2_bytes\": " + number(device.l2CacheSize) +
         ",\n  \"clock_khz\": " + number(clock) +
         ",\n  \"memory_clock_khz\": " + number(memory_clock) +
         ",\n  \"driver\": " + number(driver) + ",\n  \"runtime\": " + number(runtime) +
         ",\n  \"cudnn\": " + number(static_cast<double>(cudnnGetVersion())) + ",\n";
}

void print(const GpuRow& row) {
  std::printf("%-12s %-44s %-5s %10.1f us  (p10 %.1f, p90 %.1f)", row.section.c_str(),
              row.name.c_str(), row.precision.c_str(), row.median, row.p10, row.p90);
  if (!row.unit.empty()) std::printf("  %8.1f %s", row.rate, row.unit.c_str());
  std::printf("  %s\n", row.note.c_str());
  std::fflush(stdout);
}

void write_json(const std::string& path, double copy, const std::vector<GpuRow>& rows) {
  const std::string beside = path + ".new";  // put in place whole
  std::ofstream file(beside);
  file << "{\n" << machine_json() << "  \"copy_gb_per_s\": " << number(copy) << ",\n  \"rows\": [";
  const char* before = "\n";
  for (const GpuRow& row : rows) {
    file << before << "    {\"section\": " << quoted(row.section)
         << ", \"name\": " << quoted(row.name) << ", \"precision\": " << quoted(row.precision)
         << ", \"median_us\": " << number(row.median) << ", \"p10_us\": " << number(row.p10)
         << ", \"p90_us\": " << number(row.p90) << ", \"rate\": " << number(row.rate)
         << ", \"unit\": " << quoted(row.unit) << ", \"note\": " << quoted(row.note) << "}";
    before = ",\n";
  }
  file << "\n  ]\n}\n";
  file.close();
  if (!file || std::rename(beside.c_str(), path.c_str()) != 0)
    throw RunError(path + ": cannot be written; check the folder");
}

int run(const std::string& json) {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) {
    std::printf("SKIPPED: there is no CUDA device\n");
    return 0;
  }
  const cuda::StreamHandle stream = cuda::make_stream();
  const double copy = copy_bandwidth(stream.get());
  std::printf("a copy inside the device's memory: %.0f GB/s read and written\n", copy);
  std::vector<GpuRow> rows;
  const auto add = [&](const GpuRow& row) {
    print(row);
    rows.push_back(row);
    if (!json.empty()) write_json(json, copy, rows);  // a run that is cut off leaves what it has
  };
  time_kernels(stream.get(), [&](GpuRow row) {
    row.note = number(100 * row.rate / copy) + " % of the copy";
    add(row);
  });
  const std::string problem = time_networks(add);
  if (!problem.empty()) throw Error(problem);
  return 0;
}

}  // namespace

GpuRow gpu_row(const std::string& section, const std::string& name, const std::string& precision,
               std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  return {section,
          name,
          precision,
          quantile(samples, 0.5),
          quantile(samples, 0.1),
          quantile(samples, 0.9),
          0,
          {},
          {}};
}

std::vector<double> device_microseconds(cudaStream_t stream, int sets,
                                        const std::function<void(int set)>& queue) {
  constexpr int kAtLeast = 20;  // calls in the graph
  const int repeats = (kAtLeast + sets - 1) / sets;
  queue(0);  // loads the module
  AFTERGLOW_CUDA(cudaStreamSynchronize(stream));
  AFTERGLOW_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  for (int repeat = 0; repeat < repeats; ++repeat) {
    for (int set = 0; set < sets; ++set) queue(set);
  }
  cudaGraph_t captured = nullptr;
  AFTERGLOW_CUDA(cudaStreamEndCapture(stream, &captured));
  const cuda::GraphHandle graph(captured);
  cudaGraphExec_t instance = nullptr;
  AFTERGLOW_CUDA(cudaGraphInstantiate(&instance, graph.get(), 0));
  const cuda::GraphExecHandle exec(instance);
  const cuda::EventHandle begin = cuda::make_event(true), end = cuda::make_event(true);
  std::vector<double> samples;
  for (int round = -2; round < kRounds; ++round) {  // two to warm up
    AFTERGLOW_CUDA(cudaEventRecord(begin.get(), stream));
    AFTERGLOW_CUDA(cudaGraphLaunch(exec.get(), stream));
    AFTERGLOW_CUDA(cudaEventRecord(end.get(), stream));
    AFTERGLOW_CUDA(cudaEventSynchronize(end.get()));
    float milliseconds = 0;
    AFTERGLOW_CUDA(cudaEventElapsedTime(&milliseconds, begin.get(), end.get()));
    if (round >= 0) samples.push_back(kMicroseconds * double(milliseconds) / (repeats * sets));
  }
  return samples;
}

double copy_bandwidth(cudaStream_t stream) {
  constexpr std::size_t kBytes = std::size_t{512} << 20;
  void *from = nullptr, *to = nullptr;
  AFTERGLOW_CUDA(cudaMalloc(&from, kBytes));
  const cuda::DeviceMemory source(from);
  AFTERGLOW_CUDA(cudaMalloc(&to, kBytes));
  const cuda::DeviceMemory destination(to);
  AFTERGLOW_CUDA(cudaMemsetAsync(from, 0x5a, kBytes, stream));
  const auto samples = device_microseconds(stream, 1, [&](int) {
    AFTERGLOW_CUDA(cudaMemcpyAsync(to, from, kBytes, cudaMemcpyDeviceToDevice, stream));
  });
  return 2e-3 * static_cast<double>(kBytes) / gpu_row({}, {}, {}, samples).median;
}

}  // namespace afterglow::bench

int main(int argc, char** argv) {
  std::string json;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string(argv[i]) == "--json") json = argv[i + 1];
  }
  try {
    return afterglow::bench::run(json);
  } catch (const afterglow::Error& error) {
    std::fprintf(stderr, "bench_gpu: %s\n", error.what());
    return 1;
  }
}
