// SPDX-License-Identifier: MIT
#include "spawning/error.hpp"

#include <cerrno>

namespace spawning {

std::error_code last_error() { return {errno, std::system_category()}; }

void throw_last_error(std::string_view what) {
  throw std::system_error{last_error(), std::string{what}};
}

}  // namespace spawning
