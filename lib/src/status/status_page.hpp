// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Answering who asks how a service is.

#include <functional>

#include "spawning/handler.hpp"
#include "spawning/status_report.hpp"
#include "status/status_history.hpp"

namespace spawning {

/// Answers GET and HEAD: /status for people, where / leads, /status/history.json, /status.json,
/// /metrics, /healthz, /readyz and /startupz. It answers at once, on the calling thread.
///
/// \par Threads   As Handler.
/// \par Lifetime  `report` is called where it is needed; `history` outlives the page.
class StatusPage : public Handler {
 public:
  StatusPage(std::function<StatusReport()> report, const StatusHistory& history)
      : report_{std::move(report)}, history_{history} {}

  void handle(Request request, Responder responder) override;

 private:
  std::function<StatusReport()> report_;
  const StatusHistory& history_;
};

}  // namespace spawning
