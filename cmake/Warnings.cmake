# What our own code is compiled with; consumers of the library do not inherit it.
# The presets turn warnings into errors.
add_library(spawning_warnings INTERFACE)
add_library(spawning::warnings ALIAS spawning_warnings)
target_compile_options(spawning_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
  # gcc 12 takes "text" + std::string for an overlapping copy: https://gcc.gnu.org/PR105651
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)
