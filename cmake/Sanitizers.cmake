# SPAWNING_SANITIZE is what follows -fsanitize=, for everything in the build.
set(SPAWNING_SANITIZE "" CACHE STRING "Sanitizers to build with, e.g. address,undefined or thread")
add_library(spawning_sanitizers INTERFACE)
add_library(spawning::sanitizers ALIAS spawning_sanitizers)
if(SPAWNING_SANITIZE)
  # No vptr check: it opens a pipe to look at memory, and calls every object invalid where a test has
  # used up the descriptors.
  set(flags -fsanitize=${SPAWNING_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
  if(SPAWNING_SANITIZE MATCHES thread)
    # Asio's fences are not seen by TSan, which gcc says at each of them; its mutexes are, and suffice.
    list(APPEND flags -Wno-tsan)
  endif()
  target_compile_options(spawning_sanitizers INTERFACE ${flags})
  target_link_options(spawning_sanitizers INTERFACE ${flags})
endif()
