#include "nn/repeated.hpp"

#include <utility>

namespace afterglow {

Repeated::Repeated(std::function<void()> work) : work_(std::move(work)) {}

void Repeated::run(Backend& backend) {
  if (has_run_ && !recording_) recording_ = backend.record(work_);
  if (recording_) {
    recording_->replay();
  } else {
    work_();
  }
  has_run_ = true;
}

}  // namespace afterglow
