// SPDX-License-Identifier: MIT
/// \file
/// Any octets as what a client might send: `./dev fuzz` runs it. \see https://llvm.org/docs/LibFuzzer.html

#include <cstddef>
#include <cstdint>

#include "support/request_reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spawning::test::read_in_every_way({reinterpret_cast<const char*>(data), size});
  return 0;
}
