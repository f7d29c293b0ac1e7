// The CUDA backend on a card: its kernels beside the memory's own speed, its convolutions, training
// steps and frames.
//
//   bench_gpu [--json FILE] [--tiny]
// Exit code 1 when a result was wrong or a call failed; the rest is timed all the same. --tiny runs
// all of this program's code at sizes that the software GPU can afford: its times mean nothing.
#include "bench/gpu.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>

#include "base/error.hpp"

namespace afterglow::bench {
namespace {

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

struct Report {
  double copy = 0;  // GB/s
  std::vector<GpuRow> rows;
  std::vector<std::string> problems;
};

void write_json(const std::string& path, const Report& report) {
  const std::string beside = path + ".new";  // put in place whole
  std::ofstream file(beside);
  file << "{\n"
       << machine_json() << "  \"copy_gb_per_s\": " << number(report.copy) << ",\n  \"rows\": [";
  const char* before = "\n";
  for (const GpuRow& row : report.rows) {
    file << before << "    {\"section\": " << quoted(row.section)
         << ", \"name\": " << quoted(row.name) << ", \"precision\": " << quoted(row.precision)
         << ", \"median_us\": " << number(row.median) << ", \"p10_us\": " << number(row.p10)
         << ", \"p90_us\": " << number(row.p90) << ", \"rate\": " << number(row.rate)
         << ", \"unit\": " << quoted(row.unit) << ", \"note\": " << quoted(row.note) << "}";
    before = ",\n";
  }
  file << "\n  ],\n  \"problems\": [";
  before = "\n";
  for (const std::string& problem : report.problems) {
    file << before << "    " << quoted(problem);
    before = ",\n";
  }
  file << "\n  ]\n}\n";
  file.close();
  if (!file || std::rename(beside.c_str(), path.c_str()) != 0)
    throw RunError(path + ": cannot be written; check the folder");
}

int run(const std::string& json, const Effort& effort) {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) {
    std::printf("SKIPPED: there is no CUDA device\n");
    return 0;
  }
  const cuda::StreamHandle stream = cuda::make_stream();
  Report report{copy_bandwidth(stream.get(), effort), {}, {}};
  std::printf("a copy inside the device's memory: %.0f GB/s read and written\n", report.copy);
  const auto write = [&] {  // a run that is cut off leaves what it has
    if (!json.empty()) write_json(json, report);
  };
  const auto add = [&](const GpuRow& row) {
    print(row);
    report.rows.push_back(row);
    write();
  };
  const auto note = [&](const std::vector<std::string>& problems) {
    for (const std::string& problem : problems) std::printf("WRONG: %s\n", problem.c_str());
    report.problems.insert(report.problems.end(), problems.begin(), problems.end());
    write();
  };
  note(time_kernels(stream.get(), effort, [&](GpuRow row) {
    row.note = number(100 * row.rate / report.copy) + " % of the copy";
    add(row);
  }));
  note(time_networks(effort, add));
  if (report.problems.empty()) return 0;
  std::fprintf(stderr, "bench_gpu: %zu of the above went wrong\n", report.problems.size());
  return 1;
}

}  // namespace

Effort tiny_effort() {
  return {.shrink = 16,
          .batch = 1,
          .beyond_caches = 0,
          .copied = 1 << 16,
          .parameters = 3000,
          .calls = 2,
          .rounds = 1,
          .steps = 1,
          .runs = 1,
          .narrow = 8,
          .most_flop = 9e7,
          .one_setting = true};
}

void attempt(std::vector<std::string>& problems, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    problems.emplace_back(error.what());
  }
}

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

std::vector<double> device_microseconds(cudaStream_t stream, const Effort& effort, int sets,
                                        const std::function<void(int set)>& queue) {
  const int repeats = (effort.calls + sets - 1) / sets;
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
  for (int round = -2; round < effort.rounds; ++round) {  // two to warm up
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

double copy_bandwidth(cudaStream_t stream, const Effort& effort) {
  const cuda::DeviceMemory from = cuda::make_device_memory(effort.copied);
  const cuda::DeviceMemory to = cuda::make_device_memory(effort.copied);
  AFTERGLOW_CUDA(cudaMemsetAsync(from.get(), 0x5a, effort.copied, stream));
  const auto samples = device_microseconds(stream, effort, 1, [&](int) {
    AFTERGLOW_CUDA(
        cudaMemcpyAsync(to.get(), from.get(), effort.copied, cudaMemcpyDeviceToDevice, stream));
  });
  return 2e-3 * static_cast<double>(effort.copied) / gpu_row({}, {}, {}, samples).median;
}

}  // namespace afterglow::bench

int main(int argc, char** argv) {
  std::string json;
  afterglow::bench::Effort effort;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--tiny") {
      effort = afterglow::bench::tiny_effort();
    } else if (argument == "--json" && i + 1 < argc) {
      json = argv[++i];
    } else {
      std::fprintf(stderr, "usage: bench_gpu [--json FILE] [--tiny]\n");
      return 2;
    }
  }
  try {
    return afterglow::bench::run(json, effort);
  } catch (const afterglow::Error& error) {
    std::fprintf(stderr, "bench_gpu: %s\n", error.what());
    return 1;
  }
}
