# The CUDA backend is a plug-in, libafterglow_cuda.so, which the program opens at run time (kernels/device.cpp): the program
# itself needs no CUDA library. AFTERGLOW_CUDA says whether to build it; AUTO does where the toolkit and cuDNN are.
set(AFTERGLOW_CUDA AUTO CACHE STRING "CUDA plug-in: AUTO, ON or OFF")
set_property(CACHE AFTERGLOW_CUDA PROPERTY STRINGS AUTO ON OFF)
set(AFTERGLOW_HAS_CUDA FALSE)
if(AFTERGLOW_CUDA STREQUAL "OFF")
  return()
endif()

include(CheckLanguage)
find_program(AFTERGLOW_NVCC nvcc HINTS /usr/local/cuda/bin)  # often not in PATH
mark_as_advanced(AFTERGLOW_NVCC)
if(AFTERGLOW_NVCC AND NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  set(CMAKE_CUDA_COMPILER ${AFTERGLOW_NVCC})
endif()
check_language(CUDA)
if(CMAKE_CUDA_COMPILER)
  enable_language(CUDA)
  # CMake 3.25 knows no C++20 for nvcc.
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  find_package(CUDAToolkit REQUIRED)
  find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
  find_library(CUDNN_LIBRARY NAMES cudnn libcudnn.so.9 HINTS ${CUDAToolkit_LIBRARY_DIR})
  mark_as_advanced(CUDNN_INCLUDE_DIR CUDNN_LIBRARY)
endif()
if(CMAKE_CUDA_COMPILER AND CUDNN_INCLUDE_DIR AND CUDNN_LIBRARY)
  set(AFTERGLOW_HAS_CUDA TRUE)
elseif(AFTERGLOW_CUDA STREQUAL "ON")
  message(FATAL_ERROR "AFTERGLOW_CUDA=ON, but nvcc or cuDNN 9 was not found")
else()
  message(STATUS "No CUDA plug-in: nvcc or cuDNN 9 was not found")
  return()
endif()

# Machine code for compute capabilities 8.0 and 9.0, and PTX for what comes later.
file(GLOB kernel_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernels/cuda/*.cu)
file(GLOB host_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernels/cuda/*.cpp)
add_library(afterglow_cuda_kernels OBJECT ${kernel_sources})
target_compile_options(afterglow_cuda_kernels PRIVATE --expt-relaxed-constexpr -Xcompiler=-Wall,-Wextra)
target_include_directories(afterglow_cuda_kernels PRIVATE ${CMAKE_SOURCE_DIR})
set_target_properties(afterglow_cuda_kernels PROPERTIES
  CUDA_STANDARD 20 CUDA_ARCHITECTURES "80-real;90" POSITION_INDEPENDENT_CODE ON)

add_library(afterglow_cuda_host OBJECT ${host_sources})
afterglow_compile_options(afterglow_cuda_host)
set_target_properties(afterglow_cuda_host PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_include_directories(afterglow_cuda_host SYSTEM PUBLIC ${CUDAToolkit_INCLUDE_DIRS} ${CUDNN_INCLUDE_DIR})
target_link_libraries(afterglow_cuda_host INTERFACE ${CUDNN_LIBRARY} CUDA::cublas CUDA::cudart_static)

add_library(afterglow_cuda MODULE)
target_link_libraries(afterglow_cuda PRIVATE afterglow_cuda_kernels afterglow_cuda_host)
set_target_properties(afterglow_cuda PROPERTIES
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} CXX_VISIBILITY_PRESET default)
