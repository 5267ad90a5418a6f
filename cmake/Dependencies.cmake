# Everything we build with comes from the system, from cli/third_party or from the Python environment: pybind11
# always, and for a wheel Boost's headers, if it has them.
find_package(Threads REQUIRED)

if(SPAWNING_BINDINGS)
  # The virtual environment that ./dev makes, where there is one and nothing else was asked for.
  if(NOT Python_EXECUTABLE AND EXISTS ${PROJECT_SOURCE_DIR}/build/venv/bin/python)
    set(Python_EXECUTABLE ${PROJECT_SOURCE_DIR}/build/venv/bin/python CACHE FILEPATH "Interpreter to build for")
  endif()
  find_package(Python 3.9 REQUIRED COMPONENTS Interpreter Development.Module)
  if(NOT pybind11_DIR)
    execute_process(COMMAND ${Python_EXECUTABLE} -c "import pybind11; print(pybind11.get_cmake_dir())"
                    OUTPUT_VARIABLE pybind11_DIR OUTPUT_STRIP_TRAILING_WHITESPACE)
  endif()
  set(PYBIND11_FINDPYTHON ON)
  find_package(pybind11 2.13 CONFIG REQUIRED)
endif()

set(SPAWNING_BOOST_HEADERS "" CACHE PATH "Where Boost's headers are, if not the system's are to be taken")
if(SKBUILD AND NOT SPAWNING_BOOST_HEADERS)
  execute_process(COMMAND ${Python_EXECUTABLE} -c "import boost_headers; print(boost_headers.get_include())"
                  OUTPUT_VARIABLE SPAWNING_BOOST_HEADERS OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(SPAWNING_BOOST_HEADERS)
  set(Boost_INCLUDE_DIR ${SPAWNING_BOOST_HEADERS})
  set(Boost_NO_BOOST_CMAKE ON)  # the system's package file would lead to the system's headers
endif()
find_package(Boost 1.81 REQUIRED)  # only headers
if(Boost_VERSION VERSION_GREATER_EQUAL 1.86)
  message(FATAL_ERROR "Boost ${Boost_VERSION} in ${Boost_INCLUDE_DIRS}: expected 1.81 to 1.85. From 1.86 on, Process "
                      "has to be linked. SPAWNING_BOOST_HEADERS can name the headers of another one.")
endif()

if(SPAWNING_TESTS)
  find_package(GTest REQUIRED)
endif()
if(SPAWNING_BENCH)
  find_package(benchmark REQUIRED)
endif()
