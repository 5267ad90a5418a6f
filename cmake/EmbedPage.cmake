# embed_page(TARGET NAME HTML CSS JS) makes one HTML page of three files, and compiles it into TARGET as
# what NAME.hpp declares. In the HTML, @STYLE@ and @SCRIPT@ are replaced by the other two; a
# Content-Security-Policy that lets a browser run these two and nothing else knows them by their hashes.
function(embed_page target name html css js)
  set(made ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  foreach(file html css js)
    set(${file} ${CMAKE_CURRENT_SOURCE_DIR}/${${file}})
  endforeach()
  set(script ${PROJECT_SOURCE_DIR}/cmake/EmbedPage.cmake)
  add_custom_command(OUTPUT ${made}
    COMMAND ${CMAKE_COMMAND} -D NAME=${name} -D HTML=${html} -D CSS=${css} -D JS=${js} -D TO=${made} -P ${script}
    DEPENDS ${html} ${css} ${js} ${script}
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
  file(READ ${JS} script)
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
