// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The names of Boost.Asio that appear in this library's interfaces. The only public header that
/// shows Boost.

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

namespace spawning {

/// The event loop that every component with I/O runs on. One thread runs it.
using IoContext = boost::asio::io_context;

/// A connected stream socket of any address family (TCP over IPv4 or IPv6, UNIX).
using StreamSocket = boost::asio::generic::stream_protocol::socket;

}  // namespace spawning
