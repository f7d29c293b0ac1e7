// Work that is done over and over with the same shapes.
#pragma once

#include <functional>
#include <memory>

#include "kernels/backend.hpp"

namespace afterglow {

/// Runs the same work again and again: the first time as it is (backends then choose their
/// algorithms), later as one recording where the backend makes one (on CUDA a graph).
class Repeated {
 public:
  /// `work` must be the same calls at every run, with the same memory but for what it allocates
  /// itself, and copy nothing from or to the host.
  explicit Repeated(std::function<void()> work);

  void run(Backend& backend);

 private:
  std::function<void()> work_;
  bool has_run_ = false;
  std::unique_ptr<Recording> recording_;
};

}  // namespace afterglow
