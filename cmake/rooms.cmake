# add_room(NAME): the static library afterglow_NAME of every .cpp below NAME/ (main.cpp apart).
function(add_room name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  add_library(afterglow_${name} STATIC ${sources})
  afterglow_compile_options(afterglow_${name})
endfunction()
