// Where a launch goes: at once to the machine (run_at_once.cpp), or onto a software GPU's stream.
#pragma once

#include <functional>
#include <vector>

struct CUstream_st;

namespace simt {

/// A pointer that a kernel was given.
struct PointerArgument {
  const void* at;
  bool write;  // not to const
};

/// Takes a launch. `hidden`: an argument is a structure, which may hide pointers.
void submit(CUstream_st* stream, std::vector<PointerArgument> pointers, bool hidden,
            std::function<void()> run);

}  // namespace simt
