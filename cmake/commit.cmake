# add_commit(TARGET): the static library TARGET with afterglow::commit() (apps/commands.hpp), which every build asks git for.
function(add_commit target)
  set(file ${CMAKE_BINARY_DIR}/commit.cpp)
  add_custom_target(${target}_asked BYPRODUCTS ${file}
    COMMAND ${CMAKE_COMMAND} -D SOURCE_DIR=${CMAKE_SOURCE_DIR} -D FILE=${file} -P ${CMAKE_SOURCE_DIR}/cmake/ask_commit.cmake)
  add_library(${target} STATIC ${file})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
  add_dependencies(${target} ${target}_asked)
endfunction()
