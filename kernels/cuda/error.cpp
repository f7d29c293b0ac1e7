#include "kernels/cuda/error.hpp"

#include <array>
#include <filesystem>
#include <string>

namespace afterglow::cuda {
namespace {

[[noreturn]] void fail(const std::string& reason, const char* call, const char* file, int line) {
  (void)cudaGetLastError();  // cuBLAS and cuDNN leave theirs there too; as in dismissed()
  throw CudaError(std::string(call) + " failed: " + reason + " (" +
                  std::filesystem::path(file).filename().string() + ":" + std::to_string(line) +
                  ")");
}

}  // namespace

cudaError_t dismissed(cudaError_t status) {
  if (status != cudaSuccess) (void)cudaGetLastError();
  return status;
}

void check(cudaError_t status, const char* call, const char* file, int line) {
  if (status == cudaSuccess) return;
  fail(std::string(cudaGetErrorName(status)) + ", " + cudaGetErrorString(status), call, file, line);
}

void check(cublasStatus_t status, const char* call, const char* file, int line) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  fail(cublasGetStatusString(status), call, file, line);
}

void check(cudnnStatus_t status, const char* call, const char* file, int line) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  std::array<char, 512> detail{};
  cudnnGetLastErrorString(detail.data(), detail.size());
  std::string reason = cudnnGetErrorString(status);
  if (detail.front() != '\0') reason += ", " + std::string(detail.data());
  for (char& letter : reason) {
    if (letter == '\n') letter = ' ';  // a message is one line
  }
  fail(reason, call, file, line);
}

}  // namespace afterglow::cuda
