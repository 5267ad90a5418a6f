// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Watching a service from a terminal, as top(1) watches a machine.

#include <chrono>

#include "spawning/export.hpp"
#include "spawning/status_client.hpp"

namespace SPAWNING_EXPORT spawning {

/// Where and how watch_status() shows the status.
struct StatusTopOptions {
  int screen = 1;    ///< a terminal
  int keyboard = 0;  ///< if it is a terminal, keys work
  bool colour = true;
};

/// Shows the status on the whole terminal, every second at first, until somebody types `q` or a signal
/// comes (SIGINT, SIGTERM, SIGHUP, SIGQUIT), and gives the terminal back as it was; meanwhile it handles
/// these signals, SIGTSTP, SIGCONT and SIGWINCH. A server that does not answer is asked until it does.
/// \returns the status to exit with: 0, or 128 and the signal's number.
/// \throws StartupError if the server's host has no address; std::system_error if the terminal has gone.
[[nodiscard]] int watch_status(const StatusUrl& url, const StatusTopOptions& options = {});

/// Writes the status once, as text of which grep(1) makes sense, with rates over `period`; every worker
/// and request has its line. Does not mind a reader of the other end that has gone (ignore SIGPIPE).
/// \throws StartupError if the server does not answer; std::system_error if writing fails.
void print_status(const StatusUrl& url, int output,
                  std::chrono::milliseconds period = std::chrono::seconds{1});

}  // namespace spawning
