// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A Handler that a test writes as a lambda.

#include "spawning/handler.hpp"

namespace spawning::test {

using spawning::FunctionHandler;

}  // namespace spawning::test
