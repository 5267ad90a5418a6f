// SPDX-License-Identifier: MIT
// The headers of 1.81 leave these to whoever includes them.
#include <algorithm>
#include <memory>
#include <type_traits>

#include <boost/asio/detail/throw_error.hpp>
#include <boost/optional.hpp>

// Not <boost/process/v2/src.hpp>: its environment part does not compile with std::filesystem in 1.81.
#define BOOST_PROCESS_V2_SOURCE
#include <boost/process/v2/detail/impl/last_error.ipp>
#include <boost/process/v2/detail/impl/throw_error.ipp>
#include <boost/process/v2/impl/default_launcher.ipp>
#include <boost/process/v2/impl/error.ipp>
