# add_messages(TARGET ROOM): the static library TARGET of the code that protoc makes of every ROOM/*.proto, whose headers are
# included as "ROOM/NAME.pb.h".
function(add_messages target room)
  file(GLOB protos CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${room}/*.proto)
  set(folder ${CMAKE_BINARY_DIR}/messages)
  file(MAKE_DIRECTORY ${folder})
  set(made "")
  foreach(proto ${protos})
    cmake_path(GET proto STEM name)
    set(base ${folder}/${room}/${name}.pb)
    add_custom_command(OUTPUT ${base}.cc ${base}.h DEPENDS ${proto}
      COMMAND ${PROTOC} --proto_path=${CMAKE_SOURCE_DIR} --cpp_out=${folder} ${proto})
    list(APPEND made ${base}.cc ${base}.h)
  endforeach()
  add_library(${target} STATIC ${made})
  target_include_directories(${target} SYSTEM PUBLIC ${folder})
  target_link_libraries(${target} PUBLIC PkgConfig::PROTOBUF)
endfunction()
