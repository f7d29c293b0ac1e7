// Which plan was found to be the fastest for a convolution, kept on disk: a second run tunes
// nothing, and computes the same bits.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace afterglow::cuda {

/// Who computes a convolution.
enum class Method : std::int32_t {
  kFused,    // cuDNN, with bias and activation inside of the plan
  kBare,     // cuDNN, and a kernel for bias and activation
  kProduct,  // cuBLAS (1x1), and a kernel for bias and activation
};

/// What was found to be the fastest.
struct PlanChoice {
  Method method = Method::kBare;
  std::size_t place = 0;    // cuDNN: CudnnPlan::place of the fused or the bare convolution
  std::int64_t engine = 0;  // cuDNN: that must stand there
  double microseconds = 0;  // when it was measured
};

/// One file for each device and cuDNN version; a line for each convolution.
class PlanStore {
 public:
  /// Reads what is there; a file that is not understood counts as empty. An empty path keeps
  /// nothing.
  explicit PlanStore(std::filesystem::path file);

  std::optional<PlanChoice> find(const std::string& key) const;
  /// Remembers, and writes the file anew; one that cannot be written is left alone.
  void add(const std::string& key, const PlanChoice& choice);

 private:
  void read();
  void write() const;

  std::filesystem::path file_;
  std::map<std::string, PlanChoice> choices_;
};

/// afterglow/NAME below $XDG_CACHE_HOME or ~/.cache; empty when there is neither.
std::filesystem::path cache_file(const std::string& name);

}  // namespace afterglow::cuda
