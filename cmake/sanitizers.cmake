# AFTERGLOW_SANITIZE applies to everything; UBSan stops at the first finding, or a test could not fail.
if(AFTERGLOW_SANITIZE)
  add_compile_options(-fsanitize=${AFTERGLOW_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${AFTERGLOW_SANITIZE})
endif()
