// SPDX-License-Identifier: MIT
#include "worker/worker_observer.hpp"

#include "base/in_seconds.hpp"
#include "net/request_words.hpp"

namespace spawning {

void log_lost_requests(const Server& server, const Log& log) {
  server.each_running([&log](const RunningRequest& request) { log.error(words_of_loss(request)); });
}

void WorkerObserver::exchange_ended(const ExchangeRecord& record) {
  ScoreboardPublisher::exchange_ended(record);
  if (access_log_ != nullptr) access_log_->exchange_ended(record);
}

bool WorkerObserver::reads_response_heads() const {
  return access_log_ != nullptr && access_log_->reads_response_heads();
}

void WorkerObserver::request_overdue(const OverdueRequest& request) {
  log_.warning("a request runs for " + in_seconds(request.running) +
               " already: " + describe(request));
  overdue_(request);
}

}  // namespace spawning
