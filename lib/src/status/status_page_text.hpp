// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The page at /status. Made at build time of the .html, .css and .js files here. \see
/// EmbedPage.cmake

#include <string_view>

namespace spawning {

/// HTML with everything in it that it needs but the status itself.
extern const std::string_view kPageText;

/// The Content-Security-Policy under which it works, and nothing else does.
extern const std::string_view kPagePolicy;

}  // namespace spawning
