// Which kernels a process launched, for a test of what others leave out.
#pragma once

namespace simt {

/// Notes a kernel. At the end of the process their addresses, as nm has them, go to the file that
/// SIMT_LAUNCHED in the environment names, one a line; without it, nothing is noted.
void note_launched(const void* kernel);

}  // namespace simt
