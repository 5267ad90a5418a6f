// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The status of a service in which a lot has happened.

#include "spawning/status_report.hpp"

namespace spawning::test {

inline StatusReport eventful() {
  using namespace std::chrono_literals;
  StatusReport report;
  report.version = "1.2.3";
  report.pid = 4711;
  report.started = StatusReport::WallTime{1'000'000'000s};  // 2001-09-09 01:46:40 UTC
  report.now = report.started + 90s + 500ms;
  report.phase = ServicePhase::serving;
  report.generation = 3;
  report.wanted = 2;
  WorkerReport serving;
  serving.slot = 1;
  serving.pid = 4712;
  serving.generation = 2;
  serving.serves = true;
  serving.started = report.started + 30s;
  serving.connections = 7;
  serving.running = 3;
  serving.queued = 2;
  serving.answers = 41;
  serving.memory = Bytes{1 << 20};
  serving.cpu = 1500ms;
  serving.oldest = 12'500ms;
  WorkerReport draining;
  draining.pid = 4713;
  draining.generation = 1;
  draining.draining = true;
  draining.started = report.started;
  report.workers = {serving, draining};
  report.running = {{.method = "GET",
                     .path = "/slow\xff\"<b>",
                     .path_cut = true,
                     .client = "192.0.2.1:4711",
                     .pid = 4712,
                     .slot = 1,
                     .generation = 2,
                     .thread = 3,
                     .age = 12'500ms},
                    {.method = "POST",
                     .path = "/",
                     .client = "unix:",
                     .pid = 4712,
                     .slot = 1,
                     .generation = 2,
                     .age = 20ms}};
  report.totals.exchanges[0][2] = 40;  // GET, 2xx
  report.totals.exchanges[7][0] = 2;   // others, without a response
  report.totals.duration.counts[1] = 30;
  report.totals.duration.counts[16] = 12;
  report.totals.duration.nanoseconds = 2'500'000'000;
  report.totals.refusals[static_cast<std::size_t>(RefusalReason::host)] = 1;
  report.totals.refused = 1;
  report.restarts = {{"age", 2}, {"death", 1}};
  report.recent_restarts = {
      {report.started + 45s, 1, 2, 4710, "death", "was killed by SIGKILL in /srv/\xff.py"}};
  report.reload_counts = {{"failed", 1}};
  Reload failed;
  failed.generation = 3;
  failed.cause = "/srv/\xff.py changed";
  failed.began = report.started + 60s;
  failed.ended = report.started + 61s;
  failed.verdict = ReloadVerdict::failed;
  failed.summary = "worker 2 cannot load the application: SyntaxError: <script>";
  failed.traceback = "Traceback…\n  File \"/srv/\xff.py\"\n";
  report.reloads = {failed};
  report.configuration = R"({"num_processes":2})";
  return report;
}

}  // namespace spawning::test
