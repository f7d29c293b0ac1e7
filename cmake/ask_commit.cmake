# Writes FILE, which defines afterglow::commit() for the sources in SOURCE_DIR, unless it says so already.
set(commit "")
if(EXISTS ${SOURCE_DIR}/.git)  # not that of a repository around it
  execute_process(COMMAND git describe --always --abbrev=12 --exclude=* --dirty=-changed WORKING_DIRECTORY ${SOURCE_DIR}
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT commit)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${FILE} @ONLY CONTENT [[
#include "apps/commands.hpp"

const char* afterglow::commit() { return "@commit@"; }
]])
