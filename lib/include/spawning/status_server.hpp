// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Showing how a service is, over HTTP.

#include <functional>
#include <memory>

#include "spawning/asio.hpp"
#include "spawning/log.hpp"
#include "spawning/status_report.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning {

/// A small HTTP server of its own, which answers however busy or stuck those are that it tells
/// about: /status.json, /metrics (Prometheus), /healthz (200 while it runs), /readyz (200 while
/// requests may be sent to the service) and /startupz (200 once it has begun).
///
/// \par Threads   Every member, and `report`, runs on the thread that runs the context.
/// \par Lifetime  The context and `log` outlive it. It keeps the context running.
class StatusServer {
 public:
  /// \param socket  bound and listening.
  /// \param report  asked for each answer; at most a few milliseconds, or clients wait.
  StatusServer(IoContext& context, UniqueFd socket, std::function<StatusReport()> report,
               const Log& log);
  ~StatusServer();

  StatusServer(const StatusServer&) = delete;
  StatusServer& operator=(const StatusServer&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace spawning
