// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a worker makes of what its Server does.

#include <functional>
#include <utility>

#include "spawning/access_log.hpp"
#include "spawning/exchange.hpp"
#include "spawning/log.hpp"
#include "spawning/scoreboard.hpp"
#include "spawning/server.hpp"

namespace spawning {

/// Writes a line about each request on which somebody still works, and which nobody will answer.
void log_lost_requests(const Server& server, const Log& log);

/// Publishes what the Server does into the worker's slot, and writes a line about each request that
/// is overdue: what it asks for, who asks, and the thread that it keeps, as faulthandler names it.
/// Exchanges go on to the access log, if there is one.
///
/// \par Threads   As ServerObserver; log_accesses() before the first exchange.
/// \par Lifetime  `slot`, `log` and the access log outlive it.
class WorkerObserver final : public ScoreboardPublisher {
 public:
  /// \param overdue  called after the line is written, on the I/O thread.
  WorkerObserver(ScoreboardSlot& slot, const Log& log,
                 std::function<void(const OverdueRequest&)> overdue)
      : ScoreboardPublisher{slot}, log_{log}, overdue_{std::move(overdue)} {}

  void log_accesses(AccessLog& access_log) { access_log_ = &access_log; }

  void exchange_ended(const ExchangeRecord& record) override;
  [[nodiscard]] bool reads_response_heads() const override;
  void request_overdue(const OverdueRequest& request) override;

 private:
  const Log& log_;
  std::function<void(const OverdueRequest&)> overdue_;
  AccessLog* access_log_ = nullptr;
};

}  // namespace spawning
