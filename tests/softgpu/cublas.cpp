// cuBLAS: general matrix products, column-major, added up in double.
#include <cublas_v2.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "softgpu/machine.hpp"
#include "softgpu/numbers.hpp"

struct cublasContext {
  cudaStream_t stream = nullptr;
  cublasMath_t math = CUBLAS_DEFAULT_MATH;
};

namespace {

using softgpu::Call;
using softgpu::machine;

constexpr const char* kHandle = "cublas handle";

struct Matrix {
  const void* at = nullptr;
  cudaDataType type = CUDA_R_32F;
  int ld = 0;
  long long stride = 0;  // from one product of a batch to the next
  bool transposed = false;
};

struct Product {
  int m = 0, n = 0, k = 0, batch = 1;
  double alpha = 1, beta = 0;
  Matrix a{}, b{}, c{};
  bool tf32 = false;
};

double read(const Matrix& matrix, long long index, bool tf32) {
  if (matrix.type == CUDA_R_16BF) {
    return softgpu::from_bfloat16(static_cast<const std::uint16_t*>(matrix.at)[index]);
  }
  const float value = static_cast<const float*>(matrix.at)[index];
  return double{tf32 ? softgpu::to_tf32(value) : value};
}

void write(const Matrix& matrix, long long index, double value) {
  if (matrix.type == CUDA_R_16BF) {
    static_cast<std::uint16_t*>(const_cast<void*>(matrix.at))[index] =
        softgpu::to_bfloat16(static_cast<float>(value));
  } else {
    static_cast<float*>(const_cast<void*>(matrix.at))[index] = static_cast<float>(value);
  }
}

/// op(matrix)(row, column).
double element(const Matrix& matrix, long long base, int row, int column, bool tf32) {
  if (matrix.transposed) std::swap(row, column);
  return read(matrix, base + row + static_cast<long long>(column) * matrix.ld, tf32);
}

void multiply(const Product& p) {
  std::vector<double> row(static_cast<std::size_t>(p.k));
  for (int batch = 0; batch < p.batch; ++batch) {
    for (int i = 0; i < p.m; ++i) {
      for (int l = 0; l < p.k; ++l) {
        row[static_cast<std::size_t>(l)] = element(p.a, batch * p.a.stride, i, l, p.tf32);
      }
      for (int j = 0; j < p.n; ++j) {
        double sum = 0;
        for (int l = 0; l < p.k; ++l) {
          sum += row[static_cast<std::size_t>(l)] * element(p.b, batch * p.b.stride, l, j, p.tf32);
        }
        const long long at = batch * p.c.stride + i + static_cast<long long>(j) * p.c.ld;
        // With beta = 0 the destination is not read: it may hold NaNs.
        const double old = p.beta != 0 ? p.beta * read(p.c, at, false) : 0;
        write(p.c, at, p.alpha * sum + old);
      }
    }
  }
}

/// From the first element of the first matrix to the last of the last.
std::size_t bytes_of(const Matrix& matrix, int rows, int columns, int batch) {
  if (matrix.transposed) std::swap(rows, columns);
  const long long last =
      (batch - 1) * matrix.stride + static_cast<long long>(columns - 1) * matrix.ld + rows - 1;
  return static_cast<std::size_t>(last + 1) * (matrix.type == CUDA_R_16BF ? 2U : 4U);
}

bool too_narrow(const Matrix& matrix, int rows, int columns) {
  return matrix.ld < std::max(1, matrix.transposed ? columns : rows);
}

cublasStatus_t queue(cublasHandle_t handle, const Product& p, const char* what) {
  if (p.m < 0 || p.n < 0 || p.k < 0 || p.batch < 0 || too_narrow(p.a, p.m, p.k) ||
      too_narrow(p.b, p.k, p.n) || too_narrow(p.c, p.m, p.n)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (p.m == 0 || p.n == 0 || p.batch == 0) return CUBLAS_STATUS_SUCCESS;
  if (p.c.at == nullptr || (p.k > 0 && (p.a.at == nullptr || p.b.at == nullptr))) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  softgpu::Operation operation{.what = what, .work = [p] { multiply(p); }};
  operation.access.push_back({p.c.at, bytes_of(p.c, p.m, p.n, p.batch), true});
  if (p.k > 0) {
    operation.access.push_back({p.a.at, bytes_of(p.a, p.m, p.k, p.batch), false});
    operation.access.push_back({p.b.at, bytes_of(p.b, p.k, p.n, p.batch), false});
  }
  return enqueue(handle->stream, std::move(operation)) == cudaSuccess
             ? CUBLAS_STATUS_SUCCESS
             : CUBLAS_STATUS_EXECUTION_FAILED;
}

/// What every call on a handle checks first.
cublasStatus_t refused(const Call& call, cublasHandle_t handle) {
  if (call.injected()) return CUBLAS_STATUS_EXECUTION_FAILED;
  return softgpu::alive(handle, kHandle) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_INITIALIZED;
}

bool is_operation(cublasOperation_t op) { return op >= CUBLAS_OP_N && op <= CUBLAS_OP_C; }

/// float32 or bfloat16 in, the same or float32 out, sums in float32.
bool supported(cudaDataType a, cudaDataType b, cudaDataType c, cublasComputeType_t compute) {
  const bool computes = compute == CUBLAS_COMPUTE_32F || compute == CUBLAS_COMPUTE_32F_FAST_TF32 ||
                        compute == CUBLAS_COMPUTE_32F_PEDANTIC;
  const bool types = a == b && ((a == CUDA_R_32F && c == CUDA_R_32F) ||
                                (a == CUDA_R_16BF && (c == CUDA_R_16BF || c == CUDA_R_32F)));
  return computes && types;
}

bool uses_tf32(const cublasContext& handle, cublasComputeType_t compute) {
  return compute == CUBLAS_COMPUTE_32F_FAST_TF32 ||
         (compute == CUBLAS_COMPUTE_32F && handle.math == CUBLAS_TF32_TENSOR_OP_MATH);
}

/// A product of any types; op_a and op_b as they came.
cublasStatus_t typed_product(const Call& call, cublasHandle_t handle, cublasOperation_t op_a,
                             cublasOperation_t op_b, const void* alpha, const void* beta,
                             cublasComputeType_t compute, Product p) {
  if (const cublasStatus_t status = refused(call, handle)) return status;
  if (alpha == nullptr || beta == nullptr || !is_operation(op_a) || !is_operation(op_b)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (!supported(p.a.type, p.b.type, p.c.type, compute)) return CUBLAS_STATUS_NOT_SUPPORTED;
  p.alpha = double{*static_cast<const float*>(alpha)};
  p.beta = double{*static_cast<const float*>(beta)};
  p.a.transposed = op_a != CUBLAS_OP_N;
  p.b.transposed = op_b != CUBLAS_OP_N;
  p.tf32 = uses_tf32(*handle, compute);
  return queue(handle, p, "cublasGemmEx");
}

}  // namespace

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  const Call call(__func__);
  if (handle == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  if (call.refused(cudaErrorMemoryAllocation) != cudaSuccess) return CUBLAS_STATUS_NOT_INITIALIZED;
  // It allocates device memory, which a capture in global mode forbids.
  if (softgpu::unsafe_call() != cudaSuccess) return CUBLAS_STATUS_ALLOC_FAILED;
  *handle = new cublasContext;
  softgpu::born(*handle, kHandle);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  const Call call(__func__);
  if (!softgpu::died(handle, kHandle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  softgpu::bury(handle);
  return call.injected() ? CUBLAS_STATUS_INTERNAL_ERROR : CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  const Call call(__func__);
  if (const cublasStatus_t status = refused(call, handle)) return status;
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetStream_v2(cublasHandle_t handle, cudaStream_t* stream) {
  const Call call(__func__);
  if (const cublasStatus_t status = refused(call, handle)) return status;
  if (stream == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  *stream = handle->stream;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, size_t bytes) {
  const Call call(__func__);
  if (const cublasStatus_t status = refused(call, handle)) return status;
  if (bytes == 0) return CUBLAS_STATUS_SUCCESS;
  const softgpu::Block* block = softgpu::find_block(workspace);
  const bool aligned = reinterpret_cast<std::uintptr_t>(workspace) % 256 == 0;
  return block != nullptr && !block->pinned && block->covers(workspace, bytes) && aligned
             ? CUBLAS_STATUS_SUCCESS
             : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  const Call call(__func__);
  if (const cublasStatus_t status = refused(call, handle)) return status;
  // Sums are never of less than float32 here: that flag changes nothing.
  const auto plain = static_cast<cublasMath_t>(
      static_cast<int>(mode) & ~int{CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION});
  if (plain != CUBLAS_DEFAULT_MATH && plain != CUBLAS_TF32_TENSOR_OP_MATH &&
      plain != CUBLAS_PEDANTIC_MATH) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  handle->math = plain;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetVersion_v2(cublasHandle_t, int* version) {
  const Call call(__func__);
  if (call.injected() || version == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  *version = CUBLAS_VERSION;
  return CUBLAS_STATUS_SUCCESS;
}

const char* cublasGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    default:
      return "a status without a name here";
  }
}

const char* cublasGetStatusString(cublasStatus_t status) { return cublasGetStatusName(status); }

cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                              int m, int n, int k, const float* alpha, const float* a, int lda,
                              const float* b, int ldb, const float* beta, float* c, int ldc) {
  const Call call(__func__);
  if (const cublasStatus_t status = refused(call, handle)) return status;
  if (alpha == nullptr || beta == nullptr || !is_operation(op_a) || !is_operation(op_b)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  Product p{.m = m, .n = n, .k = k, .batch = 1, .alpha = double{*alpha}, .beta = double{*beta}};
  p.a = {a, CUDA_R_32F, lda, 0, op_a != CUBLAS_OP_N};
  p.b = {b, CUDA_R_32F, ldb, 0, op_b != CUBLAS_OP_N};
  p.c = {c, CUDA_R_32F, ldc, 0, false};
  p.tf32 = uses_tf32(*handle, CUBLAS_COMPUTE_32F);
  return queue(handle, p, "cublasSgemm");
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t op_a,
                                          cublasOperation_t op_b, int m, int n, int k,
                                          const void* alpha, const void* a, cudaDataType a_type,
                                          int lda, long long a_stride, const void* b,
                                          cudaDataType b_type, int ldb, long long b_stride,
                                          const void* beta, void* c, cudaDataType c_type, int ldc,
                                          long long c_stride, int batch,
                                          cublasComputeType_t compute, cublasGemmAlgo_t) {
  const Call call(__func__);
  return typed_product(call, handle, op_a, op_b, alpha, beta, compute,
                       {.m = m,
                        .n = n,
                        .k = k,
                        .batch = batch,
                        .a = {a, a_type, lda, a_stride},
                        .b = {b, b_type, ldb, b_stride},
                        .c = {c, c_type, ldc, c_stride}});
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                            int m, int n, int k, const void* alpha, const void* a,
                            cudaDataType a_type, int lda, const void* b, cudaDataType b_type,
                            int ldb, const void* beta, void* c, cudaDataType c_type, int ldc,
                            cublasComputeType_t compute, cublasGemmAlgo_t) {
  const Call call(__func__);
  return typed_product(call, handle, op_a, op_b, alpha, beta, compute,
                       {.m = m,
                        .n = n,
                        .k = k,
                        .a = {a, a_type, lda},
                        .b = {b, b_type, ldb},
                        .c = {c, c_type, ldc}});
}
