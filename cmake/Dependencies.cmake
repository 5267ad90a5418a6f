# Everything we build with comes from the system, from cli/third_party or, for pybind11, from the active Python
# environment. Of Boost only headers are needed.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)

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
if(SPAWNING_TESTS)
  find_package(GTest REQUIRED)
endif()
if(SPAWNING_BENCH)
  find_package(benchmark REQUIRED)
endif()
