// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Answering who asks how a service is.

#include <functional>

#include "spawning/handler.hpp"
#include "spawning/status_report.hpp"

namespace spawning {

/// Answers GET and HEAD: /status.json, /metrics, /healthz, /readyz and /startupz. It answers at once,
/// on the calling thread.
///
/// \par Threads   As Handler.
/// \par Lifetime  `report` is called for each request.
class StatusPage : public Handler {
 public:
  explicit StatusPage(std::function<StatusReport()> report) : report_{std::move(report)} {}

  void handle(Request request, Responder responder) override;

 private:
  std::function<StatusReport()> report_;
};

}  // namespace spawning
