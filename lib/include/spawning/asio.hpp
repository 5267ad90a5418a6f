// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The names of Boost.Asio that appear in this library's interfaces. The only public header that
/// shows Boost.

#include <boost/asio/io_context.hpp>

namespace spawning {

/// The event loop that every component with I/O runs on. One thread runs it.
using IoContext = boost::asio::io_context;

}  // namespace spawning
