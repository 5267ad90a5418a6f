# SPAWNING_SANITIZE is what follows -fsanitize=, for everything in the build.
set(SPAWNING_SANITIZE "" CACHE STRING "Sanitizers to build with, e.g. address,undefined or thread")
add_library(spawning_sanitizers INTERFACE)
add_library(spawning::sanitizers ALIAS spawning_sanitizers)
if(SPAWNING_SANITIZE)
  # No vptr check: it opens a pipe to look at memory, and calls every object invalid where a test has
  # used up the descriptors.
  set(flags -fsanitize=${SPAWNING_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(spawning_sanitizers INTERFACE ${flags})
  target_link_options(spawning_sanitizers INTERFACE ${flags})
endif()
