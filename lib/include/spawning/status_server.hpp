// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Showing how a service is, over HTTP.

#include <functional>
#include <memory>

#include "spawning/asio.hpp"
#include "spawning/export.hpp"
#include "spawning/log.hpp"
#include "spawning/status_report.hpp"
#include "spawning/unique_fd.hpp"

namespace SPAWNING_EXPORT spawning {

/// What a StatusServer asks. Each takes a few milliseconds at most, or clients wait.
struct StatusSources {
  std::function<StatusReport()> report;  ///< for each answer
  std::function<StatusSample()> sample;  ///< every five seconds
};

/// A small HTTP server of its own, which answers however busy or stuck those are that it tells
/// about: /status (a page for people), /status/history.json (the last ten minutes), /status.json,
/// /metrics (Prometheus), /healthz (200 while it runs), /readyz (200 while requests may be sent to
/// the service) and /startupz (200 once it has begun).
///
/// \par Threads   Every member, and the sources, run on the thread that runs the context.
/// \par Lifetime  The context and `log` outlive it. It keeps the context running.
class StatusServer {
 public:
  /// \param socket  bound and listening.
  StatusServer(IoContext& context, UniqueFd socket, StatusSources sources, const Log& log);
  ~StatusServer();

  StatusServer(const StatusServer&) = delete;
  StatusServer& operator=(const StatusServer&) = delete;

 private:
  struct SPAWNING_PRIVATE State;
  std::shared_ptr<State> state_;  // its timer's handler looks whether it is still there
};

}  // namespace spawning
