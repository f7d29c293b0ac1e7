# cudnn_makes_plans_without_a_card(RESULT FOLDER): true when cuDNN's headers in FOLDER know a device by its description alone, which
# came with some 9.x.
function(cudnn_makes_plans_without_a_card result folder)
  file(GLOB headers ${folder}/cudnn_graph*.h)
  set(${result} FALSE PARENT_SCOPE)
  foreach(header ${headers})
    file(STRINGS ${header} line REGEX "CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR" LIMIT_COUNT 1)
    if(line)
      set(${result} TRUE PARENT_SCOPE)
    endif()
  endforeach()
endfunction()
