# spawning_bench(worker_pool) builds bench/worker_pool_bench.cpp and runs it once among the tests, so that
# benchmarks cannot rot; for figures run the executable of a release build. Private headers of lib/src
# are visible to it, and tests/support too.
function(spawning_bench name)
  add_executable(${name}_bench ${name}_bench.cpp)
  target_include_directories(${name}_bench PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/lib/src)
  target_link_libraries(${name}_bench PRIVATE
    spawning::spawning spawning::warnings spawning_bench_support benchmark::benchmark_main)
  if(SPAWNING_TESTS)
    add_test(NAME ${name}_bench COMMAND ${name}_bench --benchmark_min_time=0.001)
    set_tests_properties(${name}_bench PROPERTIES LABELS bench TIMEOUT 120)
  endif()
endfunction()
