# SPAWNING_SANITIZE is what follows -fsanitize=, for everything in the build.
set(SPAWNING_SANITIZE "" CACHE STRING "Sanitizers to build with, e.g. address,undefined or thread")
add_library(spawning_sanitizers INTERFACE)
add_library(spawning::sanitizers ALIAS spawning_sanitizers)
if(SPAWNING_SANITIZE)
  set(flags -fsanitize=${SPAWNING_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  if(SPAWNING_SANITIZE MATCHES undefined)
    # It looks at memory through a pipe and reports nonsense where descriptors are short, as a test makes them.
    list(APPEND flags -fno-sanitize=vptr)
  endif()
  if(SPAWNING_SANITIZE MATCHES thread)
    # ThreadSanitizer does not understand fences; Asio's locks order the same accesses.
    target_compile_definitions(spawning_sanitizers INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
  target_compile_options(spawning_sanitizers INTERFACE ${flags})
  target_link_options(spawning_sanitizers INTERFACE ${flags})
endif()
