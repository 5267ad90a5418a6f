# spawning::wsgi, with the component `library`: one more target of the package, and spawning-wsgi.pc. Included by
# bindings/CMakeLists.txt.
install(TARGETS spawning_wsgi EXPORT spawning
  ARCHIVE COMPONENT library
  FILE_SET HEADERS COMPONENT library)

set(pc_python python-${Python_VERSION_MAJOR}.${Python_VERSION_MINOR}-embed)
configure_file(${PROJECT_SOURCE_DIR}/cmake/spawning-wsgi.pc.in spawning-wsgi.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/spawning-wsgi.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library)
