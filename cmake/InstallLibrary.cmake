# What `cmake --install BUILD --component library` brings: the library, its headers, and what find_package and
# pkg-config read. All of it may be moved afterwards. Included by lib/CMakeLists.txt.
include(CMakePackageConfigHelpers)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/spawning)
set(libraries spawning)
if(TARGET spawning_testing)
  list(APPEND libraries spawning_testing)
endif()
install(TARGETS ${libraries} EXPORT spawning
  ARCHIVE COMPONENT library
  LIBRARY COMPONENT library
  FILE_SET HEADERS COMPONENT library)
install(EXPORT spawning NAMESPACE spawning:: FILE spawningTargets.cmake DESTINATION ${package} COMPONENT library)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/spawningConfig.cmake.in spawningConfig.cmake
  INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(spawningConfigVersion.cmake COMPATIBILITY SameMinorVersion)  # as SOVERSION
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/spawningConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/spawningConfigVersion.cmake
  DESTINATION ${package} COMPONENT library)

# spawning.pc says what the target says, and spawning-testing.pc what the other one adds; their paths begin where
# they are themselves.
set(pc_directory ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH pc_prefix ${pc_directory} ${CMAKE_INSTALL_PREFIX})
file(RELATIVE_PATH pc_includedir ${pc_directory} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
get_target_property(definitions spawning INTERFACE_COMPILE_DEFINITIONS)
list(TRANSFORM definitions PREPEND -D)
list(JOIN definitions " " pc_definitions)
configure_file(${PROJECT_SOURCE_DIR}/cmake/spawning.pc.in spawning.pc @ONLY)
configure_file(${PROJECT_SOURCE_DIR}/cmake/spawning-testing.pc.in spawning-testing.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/spawning.pc ${CMAKE_CURRENT_BINARY_DIR}/spawning-testing.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library)
