// Times on a CUDA device, without Google Benchmark, which machines with a card often lack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/cuda/handles.hpp"

namespace afterglow::bench {

/// How much of everything: all of it on a card, a taste where a GPU is played (--tiny), so that
/// nothing here runs for the first time on a card.
struct Effort {
  int shrink = 1;                // sides of planes are divided by it
  std::int32_t batch = 16;       // frames
  double beyond_caches = 256e6;  // bytes that the sets of a kernel must fill together
  std::size_t copied = std::size_t{512} << 20;  // bytes, for the copy's own speed
  std::size_t parameters = 15'000'000;          // of the optimizer: VGG16's decoder and more
  int calls = 20, rounds = 15;  // at least, in a graph; samples, behind two to warm up
  int steps = 30;               // of training, in which the loss must fall
  int runs = 9;                 // samples of a step, a frame, a layer
  std::int32_t narrow = 1;      // as in ModelSpec
  double most_flop = 1e300;     // of a layer that is timed
  bool one_setting = false;     // bfloat16, AlexNet, graphs: of the networks
};
/// For the software GPU.
Effort tiny_effort();

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

/// Runs `work`; what it throws becomes a line of `problems`, so that what comes after it is timed
/// all the same.
void attempt(std::vector<std::string>& problems, const std::function<void()>& work);

/// Device time of one call of `queue(set)`, which queues work on the stream: `sets` calls with
/// different memory, so that no cache serves them, several times over in one CUDA graph, replayed.
std::vector<double> device_microseconds(cudaStream_t stream, const Effort& effort, int sets,
                                        const std::function<void(int set)>& queue);

/// What a copy inside the device's memory reads and writes, GB/s: the ceiling of all that is bound
/// by memory.
double copy_bandwidth(cudaStream_t stream, const Effort& effort);

/// Every hand-written kernel at the networks' sizes (gpu_kernels.cpp), a row at a time. Returns
/// which results were wrong, and which calls failed: those are not timed.
std::vector<std::string> time_kernels(cudaStream_t stream, const Effort& effort,
                                      const std::function<void(const GpuRow&)>& add);
/// Training steps, frames, each layer's passes (gpu_networks.cpp), a row at a time. Returns what
/// went wrong on the way: a network that did not learn, a call that failed.
std::vector<std::string> time_networks(const Effort& effort,
                                       const std::function<void(const GpuRow&)>& add);

}  // namespace afterglow::bench
