# compile_together(TARGET): where everything is compiled once (the release, sanitizers, clang-tidy), 16 files at a time: most of the
# time goes into headers.
# What is in the anonymous namespaces of such a target has names of its own therefore.
option(AFTERGLOW_TOGETHER "Compile several files of a room at once" OFF)
function(compile_together target)
  if(AFTERGLOW_SANITIZE OR AFTERGLOW_TOGETHER)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 16)
  endif()
endfunction()

# add_room(NAME): the static library afterglow_NAME of every .cpp below NAME/ (main.cpp apart).
function(add_room name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  # The CUDA plug-in (cmake/cuda.cmake) is no part of its room.
  list(FILTER sources EXCLUDE REGEX "/kernels/cuda/")
  if(AFTERGLOW_FUZZ)  # tests/fuzz brings a backend without kernels, which want GCC's vectors
    list(FILTER sources EXCLUDE REGEX "/kernels/(cpu/|no_cpu_backend\\.cpp$)")
  elseif(AFTERGLOW_PROGRAM)
    list(FILTER sources EXCLUDE REGEX "/kernels/no_cpu_backend\\.cpp$")
  else()  # neither oneDNN nor HDF5
    list(FILTER sources EXCLUDE REGEX "/kernels/cpu/|/base/hdf5\\.cpp$|/nn/checkpoint\\.cpp$")
  endif()
  add_library(afterglow_${name} STATIC ${sources})
  afterglow_compile_options(afterglow_${name})
  # Not kernels, where Highway compiles a file once for each kind of vectors before the next.
  if(NOT name STREQUAL "kernels")
    compile_together(afterglow_${name})
  endif()
endfunction()
