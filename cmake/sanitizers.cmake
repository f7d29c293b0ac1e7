# AFTERGLOW_SANITIZE applies to everything; UBSan stops at the first finding, or a test could not fail.
if(AFTERGLOW_SANITIZE)
  add_compile_options(-fsanitize=${AFTERGLOW_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${AFTERGLOW_SANITIZE})
  if(AFTERGLOW_SANITIZE MATCHES undefined)
    # Its check of objects' types makes a pipe, which the locked child that reads others' files may not.
    add_compile_options(-fno-sanitize=vptr)
  endif()
endif()
