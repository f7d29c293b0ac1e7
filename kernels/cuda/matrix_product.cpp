#include "kernels/cuda/matrix_product.hpp"

namespace afterglow::cuda {
namespace {

CublasHandle make_cublas(cudaStream_t stream) {
  cublasHandle_t raw = nullptr;
  AFTERGLOW_CUDA(cublasCreate(&raw));
  CublasHandle handle(raw);
  AFTERGLOW_CUDA(cublasSetStream(raw, stream));
  // Of products of bfloat16, too, sums are float32; TF32 is asked for product by product.
  AFTERGLOW_CUDA(cublasSetMathMode(
      raw, static_cast<cublasMath_t>(CUBLAS_DEFAULT_MATH |
                                     CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION)));
  return handle;
}

/// out(m, n) = op(a) op(b), column by column as cuBLAS has matrices.
struct Product {
  cublasOperation_t op_a, op_b;
  int m, n, k;
  const void* a;
  int lda;
  const void* b;
  int ldb;
};

/// Our matrices, x(M, C), w(K, C) and y(M, K) row by row, are their transposes column by column.
Product product_of(const CudnnConvolution& c, const void* a, const void* b) {
  const int rows = c.n * c.h * c.w;
  switch (c.pass) {
    case Pass::kForward:  // y^T(K, M) = w x^T
      return {CUBLAS_OP_T, CUBLAS_OP_N, c.k, rows, c.c, b, c.c, a, c.c};
    case Pass::kBackwardData:  // dx^T(C, M) = w^T dy^T
      return {CUBLAS_OP_N, CUBLAS_OP_N, c.c, rows, c.k, b, c.c, a, c.k};
    case Pass::kBackwardWeights:
      break;
  }
  return {CUBLAS_OP_N, CUBLAS_OP_T, c.c, c.k, rows, a, c.c, b, c.k};  // dw^T(C, K) = x^T dy
}

}  // namespace

bool is_matrix_product(const CudnnConvolution& c) {
  return c.kh == 1 && c.kw == 1 && c.stride == 1 && c.h == c.oh && c.w == c.ow && c.pad_top == 0 &&
         c.pad_left == 0;
}

MatrixProducts::MatrixProducts(cudaStream_t stream) : cublas_(make_cublas(stream)) {}

void MatrixProducts::run(const CudnnConvolution& convolution, const void* a, const void* b,
                         void* out, void* workspace) const {
  const Product p = product_of(convolution, a, b);
  const bool half = convolution.operands == Operands::kBfloat16;
  const cudaDataType_t type = half ? CUDA_R_16BF : CUDA_R_32F;
  const cublasComputeType_t compute =
      convolution.operands == Operands::kTf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  const cudaDataType_t out_type = has_float32_result(convolution) ? CUDA_R_32F : type;
  const float one = 1, zero = 0;
  AFTERGLOW_CUDA(cublasSetWorkspace(cublas_.get(), workspace, kWorkspace));
  AFTERGLOW_CUDA(cublasGemmEx(cublas_.get(), p.op_a, p.op_b, p.m, p.n, p.k, &one, p.a, type, p.lda,
                              p.b, type, p.ldb, &zero, out, out_type, p.m, compute,
                              CUBLAS_GEMM_DEFAULT));
}

}  // namespace afterglow::cuda
