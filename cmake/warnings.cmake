# The compile options that every target of ours gets.
function(afterglow_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
endfunction()
