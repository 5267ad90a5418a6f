// SPDX-License-Identifier: MIT
#include "status/status_page.hpp"

#include <array>
#include <string>
#include <string_view>

#include "status/metrics.hpp"
#include "status/status_json.hpp"

namespace spawning {
namespace {

constexpr std::string_view kPlain = "text/plain; charset=utf-8";

struct Answer {
  unsigned status = 200;
  std::string_view type = kPlain;
  std::string body{};
};

std::string workers_of(const StatusReport& report) {
  return std::to_string(report.ready()) + " of " + std::to_string(report.wanted) +
         " workers serve\n";
}

Answer health(const StatusReport&) { return {.body = "the supervisor lives\n"}; }

// Whether to send requests here.
Answer readiness(const StatusReport& report) {
  if (report.phase == ServicePhase::stopping) return {.status = 503, .body = "stopping\n"};
  return {.status = report.ready() > 0 ? 200U : 503U, .body = workers_of(report)};
}

// Whether it has begun, and liveness may be asked for.
Answer start(const StatusReport& report) {
  const bool begins = report.phase == ServicePhase::starting;
  return {.status = begins ? 503U : 200U, .body = begins ? "starting\n" : "started\n"};
}

Answer json(const StatusReport& report) {
  return {.type = "application/json", .body = to_json(report) + "\n"};
}

Answer metrics(const StatusReport& report) {
  return {.type = "text/plain; version=0.0.4; charset=utf-8", .body = to_metrics(report)};
}

struct Endpoint {
  std::string_view path;
  Answer (*answer)(const StatusReport& report);
};
constexpr std::array<Endpoint, 5> kEndpoints{{{"/status.json", json},
                                              {"/metrics", metrics},
                                              {"/healthz", health},
                                              {"/readyz", readiness},
                                              {"/startupz", start}}};

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
      if (request.path == each.path) answer = each.answer(report_());
    }
  }
  // What somebody is shown who asks again shall be new, and nothing of it is to be run or framed.
  const std::array headers{Header{"Content-Type", answer.type}, Header{"Cache-Control", "no-store"},
                           Header{"X-Content-Type-Options", "nosniff"},
                           Header{"Allow", "GET, HEAD"}};
  responder.respond({.status = answer.status, .reason = {}, .headers = headers}, answer.body);
}

}  // namespace spawning
