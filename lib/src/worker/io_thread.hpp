// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The thread that does a worker's I/O.

#include <functional>
#include <thread>

namespace spawning {

/// Runs `body` on a thread named "spawning-io". It takes no signals: they are the application's and
/// its main thread's business.
[[nodiscard]] std::thread start_io_thread(std::function<void()> body);

}  // namespace spawning
