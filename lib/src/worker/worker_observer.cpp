// SPDX-License-Identifier: MIT
#include "worker/worker_observer.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <string>

#include "spawning/address.hpp"

namespace spawning {
namespace {

std::string name_of(pthread_t thread) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "0x%016lx", static_cast<unsigned long>(thread));
  return text.data();
}

}  // namespace

std::string describe(const RunningRequest& request) {
  std::string text{request.method};
  text.append(" ").append(request.target);
  if (request.client != nullptr) text += " from " + request.client->to_string();
  return text + ", on thread " + name_of(request.thread);
}

std::string in_seconds(std::chrono::steady_clock::duration time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f s", std::chrono::duration<double>{time}.count());
  return text.data();
}

void log_lost_requests(const Server& server, const Log& log) {
  server.each_running([&log](const RunningRequest& request) {
    log.error("a request still runs after " + in_seconds(request.running) + ": " +
              describe(request) + ", and is lost");
  });
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
