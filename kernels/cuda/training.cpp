// The loss and the optimizer.
#include <algorithm>

#include "kernels/cuda/cuda_backend.hpp"
#include "kernels/cuda/typed.hpp"

namespace afterglow::cuda {

void CudaBackend::temporal_mse(const TemporalMseGeometry& g, float beta, Source p, Source y,
                               std::span<const std::uint8_t> clip_starts, Destination gradient,
                               TemporalMseValue* value) {
  const cudaStream_t stream = context_.stream();
  const std::size_t bytes = temporal_mse_workspace(g);
  const auto known = loss_workspaces_.find(bytes);
  Buffer workspace = known == loss_workspaces_.end() ? Buffer() : known->second;
  if (!workspace.data) {
    workspace = context_.arena().allocate(bytes);
    AFTERGLOW_CUDA(cudaMemsetAsync(workspace.data.get(), 0, bytes, stream));
    if (!recording_) loss_workspaces_.emplace(bytes, workspace);  // a recorded one is zeroed later
  }
  with_type(p, [&]<typename T>(const T* prediction) {
    const auto run = [&](const auto* target) {
      cuda::temporal_mse(stream, g, beta, false, prediction, target, clip_starts.data(),
                         typed<T>(gradient), value, workspace.data.get());
    };
    if (y.type() == ValueType::kUint8) {
      run(static_cast<const std::uint8_t*>(y.memory()));
    } else {
      run(typed<T>(y));
    }
  });
  check_launch("temporal_mse");
}

void CudaBackend::motion_temporal_mse(const FrameGeometry& g, float beta, Source p, Source y,
                                      Source flow, std::span<const std::uint8_t> clip_starts,
                                      Destination gradient, TemporalMseValue* value) {
  const auto workspace = context_.scratch<std::byte>(motion_temporal_mse_workspace(g));
  with_type(p, [&]<typename T>(const T* prediction) {
    const auto run = [&](const auto* target) {
      cuda::motion_temporal_mse(context_.stream(), g, beta, prediction, target, flow.data(),
                                clip_starts.data(), typed<T>(gradient), value, workspace.data());
    };
    if (y.type() == ValueType::kUint8) {
      run(static_cast<const std::uint8_t*>(y.memory()));
    } else {
      run(typed<T>(y));
    }
  });
  check_launch("motion_temporal_mse");
}

void CudaBackend::sum_of_squares(std::span<const Source> tensors, double* sum) {
  const auto workspace = context_.scratch<std::byte>(sum_of_squares_workspace());
  std::size_t done = 0;
  do {
    SumTable table;
    for (; done < tensors.size() && table.count < kAdamSlots; ++done) {
      table.slots[table.count++] = {tensors[done].data(), std::ssize(tensors[done])};
    }
    cuda::sum_of_squares(context_.stream(), table, done > kAdamSlots, sum, workspace.data());
    check_launch("sum_of_squares");
  } while (done < tensors.size());
}

void CudaBackend::adam(const AdamStep& step, const AdamRate* rate, const double* squares,
                       std::span<const AdamSlot> slots) {
  for (std::size_t done = 0; done < slots.size();) {
    AdamTable table;
    for (; done < slots.size() && table.count < kAdamSlots; ++done) {
      const AdamSlot& slot = slots[done];
      table.slots[table.count++] = {
          slot.gradient.data(),          slot.parameter.data(),     slot.m.data(), slot.v.data(),
          typed<bfloat16>(slot.rounded), std::ssize(slot.gradient), false};
    }
    cuda::adam(context_.stream(), table, step, rate, squares);
    check_launch("adam");
  }
}

}  // namespace afterglow::cuda
