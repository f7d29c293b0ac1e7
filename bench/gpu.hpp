// Times on a CUDA device, without Google Benchmark, which machines with a card often lack.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernels/cuda/handles.hpp"

namespace afterglow::bench {

/// One line of the report. Microseconds; `rate` in GB/s or TFLOP/s.
struct GpuRow {
  std::string section, name, precision;
  double median = 0, p10 = 0, p90 = 0;
  double rate = 0;
  std::string unit;
  std::string note;
};

/// Median, p10 and p90 of what `samples` gives, in microseconds.
GpuRow gpu_row(const std::string& section, const std::string& name, const std::string& precision,
               std::vector<double> samples);

/// Device time of one call of `queue(set)`, which queues work on the stream: `sets` calls with
/// different memory, so that no cache serves them, several times over in one CUDA graph, replayed.
std::vector<double> device_microseconds(cudaStream_t stream, int sets,
                                        const std::function<void(int set)>& queue);

/// What a copy inside the device's memory reads and writes, GB/s: the ceiling of all that is bound
/// by memory.
double copy_bandwidth(cudaStream_t stream);

/// Every hand-written kernel at the networks' sizes (gpu_kernels.cpp), a row at a time. Throws
/// Error when a result is wrong: nothing wrong is timed.
void time_kernels(cudaStream_t stream, const std::function<void(const GpuRow&)>& add);
/// Training steps, frames, each layer's passes (gpu_networks.cpp), a row at a time. Returns what
/// went wrong on the way: a network that did not learn, a call that failed.
std::string time_networks(const std::function<void(const GpuRow&)>& add);

}  // namespace afterglow::bench
