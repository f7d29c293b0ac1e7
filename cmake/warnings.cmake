# The compile options that every target of ours gets.
function(afterglow_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
  # GCC 12 warns of overlapping copies inside std::string where there are none (its bug 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-restrict)
    if(AFTERGLOW_SANITIZE)  # it documents false alarms there
      target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
    endif()
    # It takes a file that compile_together includes for a header.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  else()  # clang's -Wconversion is wider than GCC's, and libav's macros are C
    target_compile_options(${target} PRIVATE -Wno-sign-conversion -Wno-c99-extensions)
  endif()
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
endfunction()
