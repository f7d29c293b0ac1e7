// Kernels with a bug each, so that the tests of the SIMT machine show that it finds them. A kernel
// without its bug does the same thing rightly: the machine must find nothing there.
#pragma once

namespace afterglow::planted {

inline constexpr int kThreads = 64;  // of a block
inline constexpr int kBlocks = 3;
inline constexpr int kValues = kBlocks * kThreads;

/// Runs a kernel over kBlocks blocks of kThreads threads, with its bug or without. x and out:
/// kValues floats each, out all NaN before and all written afterwards. Throws simt::Fault.
using Planted = void(bool bug, const float* x, float* out);

// Races of the threads of a block.
Planted missing_barrier;         // a sum by halves, without barriers between
Planted missing_second_barrier;  // shared values overwritten while others read them
Planted missing_warp_barrier;    // the same, within a warp
Planted two_writers;             // of a shared word
Planted lost_update;             // ++ where it takes an atomicAdd

// Races of blocks.
Planted last_number_is_last;  // the block with the last number adds what all have written
Planted block_order_sum;      // every block adds to the same float
Planted kept_from_block;      // shared values of the block before

// Meetings that not all come to, or not to the same.
Planted early_return;
Planted barrier_in_branch;
Planted barrier_in_each_branch;
Planted lane_not_in_mask;
Planted lane_never_comes;
Planted different_masks;
Planted different_words;
Planted reads_outside_of_mask;
Planted odd_width;

// Memory.
Planted uninitialised_shared;
Planted read_out_of_bounds;
Planted write_out_of_bounds;
Planted shared_out_of_bounds;
Planted misaligned_load;
Planted misaligned_store;
Planted misaligned_word;  // four bytes at once, from an odd address

// Launches.
Planted too_many_threads;
Planted too_many_rows_of_blocks;
Planted too_deep_a_block;
Planted no_threads;

}  // namespace afterglow::planted
