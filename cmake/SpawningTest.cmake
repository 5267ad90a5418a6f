# spawning_test(listener) builds and registers tests/lib/listener_test.cpp.
# Private headers of lib/src are visible to it: engines are tested where they are.
include(GoogleTest)

function(spawning_test name)
  add_executable(${name}_test lib/${name}_test.cpp)
  target_include_directories(${name}_test PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/lib/src)
  target_link_libraries(${name}_test PRIVATE spawning::spawning spawning::warnings GTest::gtest_main)
  gtest_discover_tests(${name}_test PROPERTIES LABELS unit TIMEOUT 240)
endfunction()

# spawning_cli_test(options) builds and registers tests/cli/options_test.cpp.
function(spawning_cli_test name)
  add_executable(${name}_test cli/${name}_test.cpp)
  target_include_directories(${name}_test PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name}_test PRIVATE spawning_cli spawning::warnings GTest::gtest_main)
  gtest_discover_tests(${name}_test PROPERTIES LABELS unit TIMEOUT 240)
endfunction()
