// SPDX-License-Identifier: MIT
#include "status/status_page.hpp"

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "status/metrics.hpp"
#include "status/status_json.hpp"
#include "status/status_page_text.hpp"

namespace spawning {
namespace {

constexpr std::string_view kPlain = "text/plain; charset=utf-8";
// For what is no page: nothing of it is to be run or framed.
constexpr std::string_view kNothing = "default-src 'none'; frame-ancestors 'none'";

struct Answer {
  unsigned status = 200;
  std::string_view type = kPlain;
  std::string body{};
  std::string_view policy = kNothing;
  std::string_view location{};
};

// What an answer is made of.
struct Matter {
  const std::function<StatusReport()>& report;
  const StatusHistory& history;
};

std::string workers_of(const StatusReport& report) {
  return std::to_string(report.ready()) + " of " + std::to_string(report.wanted) +
         " workers serve\n";
}

Answer health(const Matter&) { return {.body = "the supervisor lives\n"}; }

// Whether to send requests here.
Answer readiness(const Matter& matter) {
  const StatusReport report = matter.report();
  if (report.phase == ServicePhase::stopping) return {.status = 503, .body = "stopping\n"};
  return {.status = report.ready() > 0 ? 200U : 503U, .body = workers_of(report)};
}

// Whether it has begun, and liveness may be asked for.
Answer start(const Matter& matter) {
  const bool begins = matter.report().phase == ServicePhase::starting;
  return {.status = begins ? 503U : 200U, .body = begins ? "starting\n" : "started\n"};
}

Answer json(const Matter& matter) {
  return {.type = "application/json", .body = to_json(matter.report()) + "\n"};
}

Answer history(const Matter& matter) {
  return {.type = "application/json",
          .body = to_json(matter.history, std::chrono::steady_clock::now()) + "\n"};
}

Answer metrics(const Matter& matter) {
  return {.type = "text/plain; version=0.0.4; charset=utf-8", .body = to_metrics(matter.report())};
}

Answer page(const Matter&) {
  return {
      .type = "text/html; charset=utf-8", .body = std::string{kPageText}, .policy = kPagePolicy};
}

// Relative, for proxies that have it elsewhere.
Answer to_page(const Matter&) {
  return {.status = 302, .body = "see /status\n", .location = "status"};
}

struct Endpoint {
  std::string_view path;
  Answer (*answer)(const Matter& matter);
};
constexpr std::array<Endpoint, 8> kEndpoints{{{"/status", page},
                                              {"/status.json", json},
                                              {"/status/history.json", history},
                                              {"/metrics", metrics},
                                              {"/healthz", health},
                                              {"/readyz", readiness},
                                              {"/startupz", start},
                                              {"/", to_page}}};

Answer nothing_there() {
  Answer answer{.status = 404, .body = "nothing is here; there are:\n"};
  for (const Endpoint& each : kEndpoints) answer.body.append(each.path).append("\n");
  return answer;
}

}  // namespace

void StatusPage::handle(Request request, Responder responder) {
  Answer answer = nothing_there();
  if (request.method != "GET" && request.method != "HEAD") {
    answer = {.status = 405, .body = "only GET and HEAD are answered here\n"};
  } else {
    for (const Endpoint& each : kEndpoints) {
      if (request.path == each.path) answer = each.answer({report_, history_});
    }
  }
  // What somebody is shown who asks again shall be new.
  std::vector headers{Header{"Content-Type", answer.type},
                      Header{"Cache-Control", "no-store"},
                      Header{"Content-Security-Policy", answer.policy},
                      Header{"X-Content-Type-Options", "nosniff"},
                      Header{"Referrer-Policy", "no-referrer"},
                      Header{"Allow", "GET, HEAD"}};
  if (!answer.location.empty()) headers.push_back({"Location", answer.location});
  responder.respond({.status = answer.status, .reason = {}, .headers = headers}, answer.body);
}

}  // namespace spawning
