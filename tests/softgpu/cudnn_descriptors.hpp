// What the stand-in for cuDNN's backend API knows of a descriptor.
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "softgpu/softgpu.hpp"

struct cudnnContext {
  cudaStream_t stream = nullptr;
};

namespace softgpu::cudnn {

using Kind = cudnnBackendDescriptorType_t;
using Name = cudnnBackendAttributeName_t;
using Type = cudnnBackendAttributeType_t;
using Dims = std::vector<std::int64_t>;

/// Why a call does not do what it was asked for.
struct Refusal : std::runtime_error {
  Refusal(cudnnStatus_t code, const std::string& why) : std::runtime_error(why), status(code) {}
  cudnnStatus_t status;
};

inline void demand(bool condition, const char* why, cudnnStatus_t status = CUDNN_STATUS_BAD_PARAM) {
  if (!condition) throw Refusal(status, why);
}

struct Tensor {
  std::int64_t uid = 0;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  Dims dims;
  Dims strides;
  std::int64_t alignment = 0;
  bool is_virtual = false;

  bool exists() const { return !dims.empty(); }
  std::int64_t element_bytes() const { return type == CUDNN_DATA_BFLOAT16 ? 2 : 4; }
  /// From the first element to the end of the farthest one.
  std::int64_t bytes() const;
  bool operator==(const Tensor&) const = default;
};

/// One operation of a graph.
struct Step {
  Kind kind = CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR;
  cudnnPointwiseMode_t mode = CUDNN_POINTWISE_IDENTITY;
  Dims pre, post, stride, dilation;  // of a convolution
  bool mirrored = false;             // CUDNN_CONVOLUTION rather than cross-correlation
  double alpha = 1;
  double beta = 0;  // of a pointwise operation: alpha2
  Tensor first, second, result;

  bool is_convolution() const { return kind != CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR; }
  // A convolution's tensors by their roles in the forward pass.
  const Tensor& x() const;
  const Tensor& w() const;
  const Tensor& y() const;
};

struct Descriptor;
using Child = std::shared_ptr<Descriptor>;

struct Attribute {
  Type type = CUDNN_TYPE_INT64;
  std::vector<std::int64_t> integers;  // enumerations, booleans and pointers too
  std::vector<double> reals;
  std::vector<Child> children;
};

struct Descriptor {
  Kind kind{};
  bool finalized = false;
  std::map<Name, Attribute> attributes;
  std::vector<Step> program;  // of an operation graph, in an order in which it can run
  Engine engine;              // of an engine

  bool has(Name name) const { return attributes.contains(name); }
  std::int64_t integer(Name name, std::int64_t otherwise = 0) const;
  double real(Name name, double otherwise) const;
  Dims integers(Name name) const;
  Child child(Name name) const;
};

// cudnn_rules.cpp
/// An attribute that a kind of descriptor can have.
struct AttributeRule {
  Kind kind;
  Name name;
  Type type;
  std::int64_t most;  // elements
  bool needed;
  int child = -1;  // the kind of descriptor it takes; kAnyOperation
};
inline constexpr int kAnyOperation = -2;

const AttributeRule* find_rule(Kind kind, Name name);
bool is_known(Kind kind);
std::size_t element_size(Type type);
/// Throws Refusal, or leaves the descriptor complete.
void finalize(Descriptor& descriptor);
/// The program and the engine that a plan would run.
const std::vector<Step>& program_of(const Descriptor& plan);
const Engine& engine_of(const Descriptor& plan);

// cudnn_execution.cpp
/// Queues a plan's work on the pointers of a variant pack.
void execute(cudaStream_t stream, const Child& plan, const Child& pack);

// cudnn_interpreter.cpp
using Pointers = std::map<std::int64_t, unsigned char*>;  // by uid
/// Runs a program on memory that is open.
void interpret(const std::vector<Step>& program, const Engine& engine, const Pointers& pointers);

}  // namespace softgpu::cudnn
