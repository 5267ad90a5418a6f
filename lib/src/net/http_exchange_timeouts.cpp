// SPDX-License-Identifier: MIT
// The deadlines of an exchange: how the I/O thread answers for somebody who takes too long.
#include <array>
#include <string>

#include "http/status_line.hpp"
#include "net/http_exchange.hpp"

namespace spawning {

// Takes the right to answer, unless the exchange is over or has come as far as `unless`.
bool HttpExchange::revoke(unsigned unless) {
  unsigned baton = baton_.load(std::memory_order_acquire);
  do {
    if ((baton & kRunning) == 0 || (baton & (unless | kRevoked)) != 0) return false;
  } while (!baton_.compare_exchange_weak(baton, baton | kRevoked, std::memory_order_acq_rel));
  return true;
}

HttpExchange::Verdict HttpExchange::check_timeouts(Time now) {
  const RequestTimeouts& limits = server_.config.request_timeouts;
  const unsigned baton = baton_.load(std::memory_order_acquire);
  const auto exceeded = [now](std::chrono::milliseconds limit, Time since) {
    return limit.count() > 0 && now - since >= limit;
  };
  if ((baton & kRunning) == 0 || (baton & kRevoked) != 0) return Verdict::none;
  if ((baton & kStarted) != 0) {
    if (waiting_.load(std::memory_order_relaxed) ||
        !exceeded(limits.request, progress_.load(std::memory_order_relaxed)))
      return Verdict::none;
    overdue_.store(true, std::memory_order_relaxed);
    if ((baton & kBegun) != 0) report_overdue(now);
    return Verdict::broken;
  }
  if ((baton & kBegun) != 0) {
    if (!exceeded(limits.request, begun_) || !revoke(kStarted)) return Verdict::none;
    report_overdue(now);
    return time_out(RefusalReason::request_timeout, limits.request, now);
  }
  // Where there is no limit for waiting, nobody waits for longer than a request may take.
  const auto patience = limits.queue.count() > 0 ? limits.queue : limits.request;
  if (!exceeded(patience, began_) || !revoke(kBegun | kStarted)) return Verdict::none;
  return time_out(RefusalReason::queue_timeout, patience, now);
}

// Encodes with nothing that the thread which had the right to answer may still touch.
HttpExchange::Verdict HttpExchange::time_out(RefusalReason reason, std::chrono::milliseconds limit,
                                             Time now) {
  const bool waited = reason == RefusalReason::queue_timeout;
  if (server_.log.enabled(LogLevel::debug)) {
    server_.log.debug("answered " + label() + " with 503: " +
                      (waited ? "it waited for too long for a thread (--queue-timeout)"
                              : "it ran for too long (--request-timeout)"));
  }
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(limit).count();
  const std::string retry_after = std::to_string(seconds);
  const std::array headers{Header{"Content-Type", "text/plain; charset=utf-8"},
                           Header{"Retry-After", retry_after}};
  auto closing = context();
  closing.keep_alive = false;
  const std::string body = status_body(503);
  ResponseEncoder encoder;
  HttpDate date;
  std::string octets;
  encoder.start(closing, {.status = 503, .reason = {}, .headers = headers}, body.size(),
                date.at(std::chrono::system_clock::now()), octets);
  const std::size_t head_octets = octets.size();
  octets += encoder.frame(body).block;
  iovec piece{octets.data(), octets.size()};
  const bool gone = outbox_.send({&piece, 1}) == WriteStatus::gone;
  record({.status = 503,
          .outcome = gone ? Outcome::client_gone : Outcome::timed_out,
          .refusal = reason,
          .body_octets = encoder.body_octets(),
          .head_octets = head_octets,
          .response_head = std::string_view{octets}.substr(0, head_octets),
          .duration = now - began_,
          .queued = (waited ? now : begun_) - began_});
  return Verdict::answered;
}

void HttpExchange::report_overdue(Time now) {
  if (server_.observer == nullptr) return;
  server_.observer->request_overdue(shown(now));
}

std::optional<RunningRequest> HttpExchange::running(Time now) const {
  constexpr unsigned kBoth = kRunning | kBegun;
  if ((baton_.load(std::memory_order_acquire) & kBoth) != kBoth) return std::nullopt;
  return shown(now);
}

RunningRequest HttpExchange::shown(Time now) const {
  return {.method = request_.method,
          .target = request_.target,
          .client = client_,
          .running = now - begun_,
          .thread = thread_};
}

}  // namespace spawning
