#include <catch2/catch.hpp>
#include <cmath>

#include "softgpu/host.hpp"
#include "softgpu/numbers.hpp"

using host::check;
using host::Device;
using host::random_values;

namespace {

constexpr int kM = 5, kN = 3, kK = 4, kLd = 7;
constexpr std::size_t kSize = kLd * kLd;

/// alpha op(a) op(b) + beta c, column-major, with every leading dimension kLd.
std::vector<double> product(bool ta, bool tb, double alpha, const std::vector<float>& a,
                            const std::vector<float>& b, double beta, const std::vector<float>& c) {
  std::vector<double> result(c.begin(), c.end());
  for (int i = 0; i < kM; ++i) {
    for (int j = 0; j < kN; ++j) {
      double sum = 0;
      for (int l = 0; l < kK; ++l) {
        sum += double{a[static_cast<std::size_t>(ta ? l + i * kLd : i + l * kLd)]} *
               double{b[static_cast<std::size_t>(tb ? j + l * kLd : l + j * kLd)]};
      }
      double& out = result[static_cast<std::size_t>(i + j * kLd)];
      out = alpha * sum + (beta != 0 ? beta * out : 0);
    }
  }
  return result;
}

void check_close(const std::vector<float>& got, const std::vector<double>& want, double tolerance) {
  REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    // Places outside the result keep what they had, NaNs too.
    const bool same = std::abs(double{got[i]} - want[i]) <= tolerance ||
                      (std::isnan(got[i]) && std::isnan(want[i]));
    CHECK(same);
  }
}

std::vector<std::uint16_t> halves(const std::vector<float>& values) {
  std::vector<std::uint16_t> result;
  for (const float value : values) result.push_back(softgpu::to_bfloat16(value));
  return result;
}
std::vector<float> floats(const std::vector<std::uint16_t>& values) {
  std::vector<float> result;
  for (const std::uint16_t v : values) {
    result.push_back(static_cast<float>(softgpu::from_bfloat16(v)));
  }
  return result;
}

}  // namespace

TEST_CASE("cublasSgemm multiplies as loops do, transposed or not", "[softgpu]") {
  softgpu::reset();
  const host::Cublas cublas = host::make_cublas(nullptr);
  const std::vector<float> a = random_values(kSize, 1), b = random_values(kSize, 2);
  const std::vector<float> c = random_values(kSize, 3);
  const float alpha = 1.5F, beta = -0.5F, zero = 0;
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      const Device<float> da = host::to_device(a), db = host::to_device(b), dc = host::to_device(c);
      const Device<float> fresh(kSize);
      const auto multiply = [&](const float* factor, float* out) {
        check(cublasSgemm_v2(cublas.get(), ta ? CUBLAS_OP_T : CUBLAS_OP_N,
                             tb ? CUBLAS_OP_T : CUBLAS_OP_N, kM, kN, kK, &alpha, da.get(), kLd,
                             db.get(), kLd, factor, out, kLd));
      };
      multiply(&beta, dc.get());
      check_close(to_host(dc), product(ta, tb, 1.5, a, b, -0.5, c), 1e-6);
      multiply(&zero, fresh.get());  // over NaNs
      check_close(to_host(fresh), product(ta, tb, 1.5, a, b, 0, std::vector<float>(kSize, NAN)),
                  1e-6);
    }
  }
}

TEST_CASE("cublasGemmEx takes bfloat16 and gives bfloat16 or float32", "[softgpu]") {
  softgpu::reset();
  const host::Cublas cublas = host::make_cublas(nullptr);
  const std::vector<std::uint16_t> a = halves(random_values(kSize, 1));
  const std::vector<std::uint16_t> b = halves(random_values(kSize, 2));
  const std::vector<float> c(kSize, 0.0F);
  const auto want = product(false, true, 1, floats(a), floats(b), 0, c);
  const Device<std::uint16_t> da = host::to_device(a), db = host::to_device(b);
  const float one = 1, zero = 0;
  const auto multiply = [&](void* out, cudaDataType type) {
    return cublasGemmEx(cublas.get(), CUBLAS_OP_N, CUBLAS_OP_T, kM, kN, kK, &one, da.get(),
                        CUDA_R_16BF, kLd, db.get(), CUDA_R_16BF, kLd, &zero, out, type, kLd,
                        CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
  };
  const Device<float> wide = host::to_device(c);
  check(multiply(wide.get(), CUDA_R_32F));
  check_close(to_host(wide), want, 1e-6);
  const Device<std::uint16_t> narrow = host::to_device(std::vector<std::uint16_t>(kSize, 0));
  check(multiply(narrow.get(), CUDA_R_16BF));
  const std::vector<float> got = floats(to_host(narrow));
  check_close(got, want, 4.0 / 256);
  CHECK(got != to_host(wide));  // it was rounded
  CHECK(multiply(wide.get(), CUDA_R_64F) == CUBLAS_STATUS_NOT_SUPPORTED);
}

TEST_CASE("cublasGemmStridedBatchedEx steps from product to product", "[softgpu]") {
  softgpu::reset();
  const host::Cublas cublas = host::make_cublas(nullptr);
  const std::vector<float> a = random_values(2 * kSize, 1), b = random_values(kSize, 2);
  const Device<float> da = host::to_device(a), db = host::to_device(b);
  const Device<float> out = host::to_device(std::vector<float>(2 * kSize, 0.0F));
  const float one = 1, zero = 0;
  check(cublasGemmStridedBatchedEx(cublas.get(), CUBLAS_OP_N, CUBLAS_OP_N, kM, kN, kK, &one,
                                   da.get(), CUDA_R_32F, kLd, kSize, db.get(), CUDA_R_32F, kLd, 0,
                                   &zero, out.get(), CUDA_R_32F, kLd, kSize, 2, CUBLAS_COMPUTE_32F,
                                   CUBLAS_GEMM_DEFAULT));
  const std::vector<float> got = to_host(out), zeros(kSize, 0.0F);
  const auto one_product = static_cast<std::ptrdiff_t>(kSize);
  check_close({got.begin(), got.begin() + one_product},
              product(false, false, 1, {a.begin(), a.begin() + one_product}, b, 0, zeros), 1e-6);
  check_close({got.begin() + one_product, got.end()},
              product(false, false, 1, {a.begin() + one_product, a.end()}, b, 0, zeros), 1e-6);
}

TEST_CASE("TF32 is seen in the result, and only where it was asked for", "[softgpu]") {
  softgpu::reset();
  const host::Cublas cublas = host::make_cublas(nullptr);
  const std::vector<float> a = random_values(kSize, 1), b = random_values(kSize, 2);
  const std::vector<float> zeros(kSize, 0.0F);
  const Device<float> da = host::to_device(a), db = host::to_device(b);
  const Device<float> out = host::to_device(zeros);
  const std::vector<double> want = product(false, false, 1, a, b, 0, zeros);
  const auto worst_error = [&](cublasMath_t mode) {
    const float one = 1, zero = 0;
    check(cublasSetMathMode(cublas.get(), mode));
    check(cublasSgemm_v2(cublas.get(), CUBLAS_OP_N, CUBLAS_OP_N, kM, kN, kK, &one, da.get(), kLd,
                         db.get(), kLd, &zero, out.get(), kLd));
    double worst = 0;
    const std::vector<float> got = to_host(out);
    for (std::size_t i = 0; i < got.size(); ++i) {
      worst = std::max(worst, std::abs(double{got[i]} - want[i]));
    }
    return worst;
  };
  CHECK(worst_error(CUBLAS_DEFAULT_MATH) < 1e-6);
  CHECK(worst_error(CUBLAS_TF32_TENSOR_OP_MATH) > 1e-5);
  CHECK(worst_error(CUBLAS_PEDANTIC_MATH) < 1e-6);
}

TEST_CASE("cuBLAS refuses what cannot be multiplied", "[softgpu]") {
  softgpu::reset();
  const host::Cublas cublas = host::make_cublas(nullptr);
  const Device<float> x(kSize);
  const float one = 1;
  const auto status = [&](int m, int lda, const float* alpha, const float* a) {
    return cublasSgemm_v2(cublas.get(), CUBLAS_OP_N, CUBLAS_OP_N, m, kN, kK, alpha, a, lda, x.get(),
                          kLd, &one, x.get(), kLd);
  };
  CHECK(status(kM, kLd, &one, x.get()) == CUBLAS_STATUS_SUCCESS);
  CHECK(status(0, kLd, &one, nullptr) == CUBLAS_STATUS_SUCCESS);
  CHECK(status(-1, kLd, &one, x.get()) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(status(kM, kM - 1, &one, x.get()) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(status(kM, kLd, nullptr, x.get()) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(status(kM, kLd, &one, nullptr) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(cublasSetStream_v2(nullptr, nullptr) == CUBLAS_STATUS_NOT_INITIALIZED);
  CHECK(cublasSetWorkspace_v2(cublas.get(), x.get(), x.bytes()) == CUBLAS_STATUS_SUCCESS);
  CHECK(cublasSetWorkspace_v2(cublas.get(), x.get(), x.bytes() + 1) == CUBLAS_STATUS_INVALID_VALUE);
  int version = 0;
  check(cublasGetVersion_v2(cublas.get(), &version));
  CHECK(version == CUBLAS_VERSION);
  // A matrix that ends behind its allocation is found when it is multiplied.
  check(cublasSgemm_v2(cublas.get(), CUBLAS_OP_N, CUBLAS_OP_N, kM, kN, kK, &one,
                       x.get() + kSize - 1, kLd, x.get(), kLd, &one, x.get(), kLd));
  CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
  softgpu::reset();
}
