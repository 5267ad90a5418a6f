// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The names of Boost.Asio that appear in this library's interfaces. The only public header that
/// shows Boost.

#include <boost/asio/io_context.hpp>
#include <boost/version.hpp>

#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

// Objects of Asio cross the border between a program and the library: both must mean the same.
static_assert(BOOST_VERSION == SPAWNING_BOOST_VERSION,
              "libspawning was built with another version of Boost than this program");

/// The event loop that every component with I/O runs on. One thread runs it.
using IoContext = boost::asio::io_context;

}  // namespace spawning
