// The plug-in for the software GPU, in a process of its own: SOFTGPU_MACHINE says what is wrong
// with the machine ("busy", "old cuDNN"), before anybody asks.
#include <cstdlib>
#include <string>

#include "softgpu/softgpu.hpp"

namespace {

const bool kSet = [] {
  const char* text = std::getenv("SOFTGPU_MACHINE");
  const std::string machine = text == nullptr ? "" : text;
  softgpu::Devices devices;
  devices.busy = machine == "busy";
  if (machine == "old cuDNN") devices.cudnn_version = 90100;
  softgpu::set_devices(devices);
  return true;
}();

}  // namespace
