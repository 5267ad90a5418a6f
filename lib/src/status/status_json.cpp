// SPDX-License-Identifier: MIT
#include "status/status_json.hpp"

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <ctime>
#include <string_view>
#include <utility>

#include "base/utf8.hpp"
#include "spawning/refusal.hpp"

namespace spawning {
namespace {

namespace json = boost::json;

// Of the running requests so many are shown, the oldest ones: enough to see what is stuck.
constexpr std::size_t kMostRunning = 200;

using WallTime = StatusReport::WallTime;

std::string iso_8601(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), length};
}

double in_seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>{duration}.count();
}

json::object to_value(const WorkerReport& worker, WallTime now) {
  json::object value{
      {"pid", worker.pid},
      {"active", worker.serves},
      {"uptime", in_seconds(now - worker.started)},
      {"forked_at", iso_8601(worker.started)},
      {"concurrent_requests", worker.running},
      {"slot", worker.slot},
      {"generation", worker.generation},
      {"state", worker.state()},
      {"queued_requests", worker.queued},
      {"connections", worker.connections},
      {"answers", worker.answers},
      {"cpu_seconds", in_seconds(worker.cpu)},
  };
  value["memory"] = worker.memory ? json::value(worker.memory->count) : json::value(nullptr);
  return value;
}

json::object to_value(const RunningReport& request) {
  return {{"method", valid_utf8(request.method)},
          {"path", valid_utf8(request.path)},
          {"path_cut", request.path_cut},
          {"client", valid_utf8(request.client)},
          {"pid", request.pid},
          {"worker", request.slot},
          {"generation", request.generation},
          {"thread", request.thread},
          {"age", in_seconds(request.age)}};
}

json::object to_value(const DurationTally& durations) {
  json::array bounds(DurationTally::kBounds.begin(), DurationTally::kBounds.end());
  return {{"bounds", std::move(bounds)},
          {"counts", json::array(durations.counts.begin(), durations.counts.end())},
          {"sum", static_cast<double>(durations.nanoseconds) / 1e9}};
}

json::object to_value(const Tally& tally) {
  json::object requests;
  for (std::size_t method = 0; method < kCountedMethods.size(); ++method) {
    json::object by_class;
    for (std::size_t status = 0; status < tally.exchanges[method].size(); ++status) {
      const std::uint64_t count = tally.exchanges[method][status];
      if (count > 0) by_class[status == 0 ? "none" : std::to_string(status) + "xx"] = count;
    }
    if (!by_class.empty()) requests[kCountedMethods[method]] = std::move(by_class);
  }
  json::object refusals;
  for (std::size_t reason = 0; reason < tally.refusals.size(); ++reason) {
    if (tally.refusals[reason] > 0)
      refusals[to_string(static_cast<RefusalReason>(reason))] = tally.refusals[reason];
  }
  return {{"answers", tally.answers()},
          {"requests", std::move(requests)},
          {"duration", to_value(tally.duration)},
          {"queue_time", to_value(tally.queue_time)},
          {"body_octets_sent", tally.body_octets_sent},
          {"connections_accepted", tally.connections_accepted},
          {"aborted", tally.aborted},
          {"client_gone", tally.client_gone},
          {"refused", tally.refused},
          {"timed_out", tally.timed_out},
          {"refusals", std::move(refusals)},
          {"fields_dropped", tally.fields_dropped},
          {"hub_stalls", tally.hub_stalls}};
}

json::object to_value(const Reload& reload) {
  json::object value{{"generation", reload.generation},
                     {"cause", valid_utf8(reload.cause)},
                     {"began", iso_8601(reload.began)},
                     {"verdict", to_string(reload.verdict)}};
  value["ended"] = reload.ended ? json::value(iso_8601(*reload.ended)) : json::value(nullptr);
  if (reload.verdict == ReloadVerdict::failed) {
    value["summary"] = valid_utf8(reload.summary);
    value["traceback"] = valid_utf8(reload.traceback);
  }
  return value;
}

json::object to_value(const Restart& restart) {
  return {{"time", iso_8601(restart.time)},   {"worker", restart.slot},
          {"generation", restart.generation}, {"pid", restart.pid},
          {"reason", restart.reason},         {"summary", valid_utf8(restart.summary)}};
}

// Six decimal places: microseconds.
json::value to_value(const std::optional<double>& number) {
  if (!number) return nullptr;
  return std::round(*number * 1e6) / 1e6;
}

json::value to_value(const std::optional<std::uint64_t>& number) {
  if (!number) return nullptr;
  return *number;
}

template <typename Member>
json::array column(const StatusHistory& history, Member StatusHistory::Point::*member) {
  json::array values;
  for (const StatusHistory::Point& point : history.points())
    values.push_back(to_value(point.*member));
  return values;
}

// What is no JSON is shown as a text.
json::value configuration_of(const StatusReport& report) {
  boost::system::error_code error;
  json::value value = json::parse(valid_utf8(report.configuration), error);
  return error ? json::value(valid_utf8(report.configuration)) : value;
}

json::object counts(const std::map<std::string, std::uint64_t>& by_name) {
  json::object value;
  for (const auto& [name, count] : by_name) value[name] = count;
  return value;
}

}  // namespace

std::string to_json(const StatusReport& report) {
  json::array children, requests, reloads, recent_restarts;
  std::uint64_t running = 0, queued = 0, connections = 0, draining = 0;
  for (const WorkerReport& worker : report.workers) {
    running += worker.running;
    queued += worker.queued;
    connections += worker.connections;
    draining += worker.draining ? 1 : 0;
    children.push_back(to_value(worker, report.now));
  }
  for (const RunningReport& request : report.running) {
    if (requests.size() < kMostRunning) requests.push_back(to_value(request));
  }
  for (const Reload& reload : report.reloads) reloads.push_back(to_value(reload));
  for (const Restart& restart : report.recent_restarts)
    recent_restarts.push_back(to_value(restart));
  return json::serialize(json::object{
      {"version", report.version},
      {"pid", report.pid},
      {"now", iso_8601(report.now)},
      {"uptime", in_seconds(report.now - report.started)},
      {"started_at", iso_8601(report.started)},
      {"phase", to_string(report.phase)},
      {"generation", report.generation},
      {"active_children_count", report.ready()},
      {"killed_children_count", draining},
      {"configured_children_count", report.wanted},
      {"concurrent_requests", running},
      {"queued_requests", queued},
      {"connections", connections},
      {"children", std::move(children)},
      {"running_requests", std::move(requests)},
      {"totals", to_value(report.totals)},
      {"restarts", counts(report.restarts)},
      {"recent_restarts", std::move(recent_restarts)},
      {"reload_counts", counts(report.reload_counts)},
      {"reloads", std::move(reloads)},
      {"config", configuration_of(report)},
  });
}

std::string to_json(const StatusHistory& history, StatusHistory::Time now) {
  using Point = StatusHistory::Point;
  return json::serialize(json::object{
      {"step", StatusHistory::kStep.count()},
      {"age", history.points().empty() ? 0 : in_seconds(now - history.last())},
      {"requests_per_second", column(history, &Point::answers_per_second)},
      {"errors_per_second", column(history, &Point::errors_per_second)},
      {"latency_p50", column(history, &Point::median)},
      {"latency_p99", column(history, &Point::percentile_99)},
      {"concurrent_requests", column(history, &Point::running)},
      {"queued_requests", column(history, &Point::queued)},
      {"connections", column(history, &Point::connections)},
      {"memory", column(history, &Point::memory)},
  });
}

}  // namespace spawning
