// The temporal loss, written once for every backend (Fang & Chaudhri 2019, "temporally consistent"
// loss):
//
//   L = beta (1/N) sum_{i=1..N} mse(p_i, y_i) + (1-beta) (1/N) sum_i mse(p_i, p_{i-1})
//
// where the second sum runs over the frames that have a predecessor in their clip, and mse is the
// mean over the M values of a frame's region of interest. Its gradient at one value:
//
//   dL/dp_i = 2/(N M) [ beta (p_i - y_i) + (1-beta) ((p_i - p_{i-1}) - (p_{i+1} - p_i)) ]
//
// each difference being zero where there is no neighbour.
#pragma once

#if defined(__CUDACC__)
#define AFTERGLOW_HOST_DEVICE __host__ __device__
#else
// Inlined by force, so that a function compiled for wider vectors than the rest can call it with
// them.
#define AFTERGLOW_HOST_DEVICE [[gnu::always_inline]]
#endif

namespace afterglow {

/// What one value contributes: squared differences (unscaled) and the gradient (scaled).
template <typename T>
struct TemporalMseTerm {
  T fidelity;  // (p - y)^2
  T temporal;  // (p - previous)^2
  T gradient;
};

/// One value of one frame. `previous` (`next`) is the same value of the neighbouring frame, or p
/// itself where there is none. fidelity_scale = 2 beta / (N M), temporal_scale = 2 (1 - beta) / (N
/// M). T: a float, or a vector of floats with the usual operators.
template <typename T, typename S>
AFTERGLOW_HOST_DEVICE inline TemporalMseTerm<T> temporal_mse_term(T p, T y, T previous, T next,
                                                                  S fidelity_scale,
                                                                  S temporal_scale) {
  const T error = p - y;
  const T from_previous = p - previous;
  const T to_next = next - p;
  return {error * error, from_previous * from_previous,
          fidelity_scale * error + temporal_scale * (from_previous - to_next)};
}

}  // namespace afterglow
