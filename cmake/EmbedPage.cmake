# embed_page(TARGET NAME HTML CSS JS…) makes one HTML page of these files, and compiles it into TARGET as
# what NAME.hpp declares. In the HTML, @STYLE@ is replaced by the CSS and @SCRIPT@ by the JS, one file after
# the other; a Content-Security-Policy that lets a browser use these and nothing else knows them by their
# hashes.
function(embed_page target name html css)
  set(made ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  list(TRANSFORM ARGV PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE files)
  list(SUBLIST files 2 -1 files)
  list(POP_FRONT files html css)
  set(script ${PROJECT_SOURCE_DIR}/cmake/EmbedPage.cmake)
  add_custom_command(OUTPUT ${made}
    COMMAND ${CMAKE_COMMAND} -D NAME=${name} -D HTML=${html} -D CSS=${css} -D "JS=${files}" -D TO=${made} -P ${script}
    DEPENDS ${html} ${css} ${files} ${script}
    VERBATIM)
  target_sources(${target} PRIVATE ${made})
endfunction()

# sha256_base64(VARIABLE TEXT): as hashes are written in a Content-Security-Policy.
function(sha256_base64 variable text)
  set(letters "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  string(SHA256 hash "${text}")
  set(digits "${hash}00")  # 32 octets and one more are eleven times three
  set(encoded "")
  foreach(at RANGE 0 60 6)
    string(SUBSTRING ${digits} ${at} 6 three_octets)
    foreach(shift 18 12 6 0)
      math(EXPR letter "(0x${three_octets} >> ${shift}) & 63")
      string(SUBSTRING ${letters} ${letter} 1 letter)
      string(APPEND encoded ${letter})
    endforeach()
  endforeach()
  string(SUBSTRING ${encoded} 0 43 encoded)
  set(${variable} "${encoded}=" PARENT_SCOPE)
endfunction()

# As a script: writes the C++ file.
if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  file(READ ${CSS} style)
  set(script "")
  foreach(file IN LISTS JS)
    file(READ ${file} text)
    string(APPEND script "${text}")
  endforeach()
  file(READ ${HTML} page)
  string(REPLACE "@STYLE@" "${style}" page "${page}")
  string(REPLACE "@SCRIPT@" "${script}" page "${page}")
  sha256_base64(style_hash "${style}")
  sha256_base64(script_hash "${script}")
  # A compiler need not take a string literal of more than 64 KiB: one a line.
  string(REPLACE "\n" "\n)page\"\nR\"page(" page "${page}")
  file(WRITE ${TO} "// Made by cmake/EmbedPage.cmake.
#include \"status/${NAME}.hpp\"

namespace spawning {

const std::string_view kPageText{
    R\"page(${page})page\"};
const std::string_view kPagePolicy{
    \"default-src 'none'; script-src 'sha256-${script_hash}'; style-src 'sha256-${style_hash}'; \"
    \"connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\"};

}  // namespace spawning
")
endif()
