// SPDX-License-Identifier: MIT
#include "spawning/observed_status.hpp"

#include <time.h>  // timegm, strptime

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <cmath>
#include <utility>

namespace spawning {
namespace {

namespace json = boost::json;

constexpr double kMost = 1e15;  // larger numbers are nonsense, and fit no integer

double number(const json::value* value) {
  if (value == nullptr || !value->is_number()) return 0;
  boost::system::error_code error;
  const double read = value->to_number<double>(error);
  return error || !std::isfinite(read) ? 0 : std::clamp(read, 0.0, kMost);
}

double number(const json::object& object, std::string_view name) {
  return number(object.if_contains(name));
}

std::uint64_t count(const json::object& object, std::string_view name) {
  return static_cast<std::uint64_t>(number(object, name));
}

bool has_number(const json::object& object, std::string_view name) {
  const json::value* const found = object.if_contains(name);
  return found != nullptr && found->is_number();
}

std::string text(const json::object& object, std::string_view name) {
  const json::value* const found = object.if_contains(name);
  return found == nullptr || !found->is_string() ? "" : std::string{found->get_string()};
}

bool flag(const json::object& object, std::string_view name) {
  const json::value* const found = object.if_contains(name);
  return found != nullptr && found->is_bool() && found->get_bool();
}

json::object object(const json::object& parent, std::string_view name) {
  const json::value* const found = parent.if_contains(name);
  return found == nullptr || !found->is_object() ? json::object{} : found->get_object();
}

const json::array* array(const json::object& parent, std::string_view name) {
  const json::value* const found = parent.if_contains(name);
  return found == nullptr ? nullptr : found->if_array();
}

// The objects in an array, in their order.
template <typename Visit>
void each_object(const json::object& parent, std::string_view name, Visit visit) {
  const json::array* const found = array(parent, name);
  if (found == nullptr) return;
  for (const json::value& value : *found) {
    if (const json::object* const element = value.if_object()) visit(*element);
  }
}

// "2001-09-09T01:46:40Z" in seconds since 1970.
std::optional<double> moment(const json::object& parent, std::string_view name) {
  std::tm parts{};
  const char* const end = ::strptime(text(parent, name).c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr) return std::nullopt;
  return static_cast<double>(::timegm(&parts));
}

WorkerSample worker_of(const json::object& value) {
  WorkerSample worker;
  worker.slot = count(value, "slot");
  worker.pid = count(value, "pid");
  worker.generation = count(value, "generation");
  worker.state = text(value, "state");
  worker.uptime = number(value, "uptime");
  worker.cpu_seconds = number(value, "cpu_seconds");
  if (has_number(value, "memory")) worker.memory = count(value, "memory");
  worker.answers = count(value, "answers");
  worker.connections = count(value, "connections");
  worker.running = count(value, "concurrent_requests");
  worker.queued = count(value, "queued_requests");
  return worker;
}

RequestSample request_of(const json::object& value) {
  return {text(value, "method"),   text(value, "path"),    text(value, "client"),
          flag(value, "path_cut"), count(value, "worker"), number(value, "age")};
}

ReloadSample reload_of(const json::object& value, std::optional<double> now) {
  ReloadSample reload{count(value, "generation"), text(value, "cause"),     text(value, "verdict"),
                      text(value, "summary"),     text(value, "traceback"), std::nullopt};
  const std::optional<double> ended = moment(value, "ended");
  const std::optional<double> since = ended ? ended : moment(value, "began");
  if (now && since) reload.age = std::max(0.0, *now - *since);
  return reload;
}

void read_totals(const json::object& totals, ObservedStatus& sample) {
  sample.answers = count(totals, "answers");
  sample.refused = count(totals, "refused");
  sample.timed_out = count(totals, "timed_out");
  sample.body_octets = count(totals, "body_octets_sent");
  for (const auto& [method, by_class] : object(totals, "requests")) {
    if (by_class.is_object()) sample.server_errors += count(by_class.get_object(), "5xx");
  }
  const json::object duration = object(totals, "duration");
  const json::array* const bounds = array(duration, "bounds");
  const json::array* const counts = array(duration, "counts");
  if (bounds == nullptr || counts == nullptr || counts->size() != bounds->size() + 1) return;
  for (const json::value& bound : *bounds) sample.duration_bounds.push_back(number(&bound));
  for (const json::value& each : *counts)
    sample.duration_counts.push_back(static_cast<std::uint64_t>(number(&each)));
}

void read_reloads(const json::object& status, ObservedStatus& sample) {
  const std::optional<double> now = moment(status, "now");
  each_object(status, "reloads", [now, &sample](const json::object& value) {
    sample.last_reload = reload_of(value, now);
    if (sample.last_reload->verdict == "failed") sample.last_failure = sample.last_reload;
  });
}

void read_requests(const json::object& status, ObservedStatus& sample) {
  if (array(status, "running_requests") == nullptr) return;
  std::vector<RequestSample>& requests = sample.requests.emplace();
  each_object(status, "running_requests",
              [&requests](const json::object& value) { requests.push_back(request_of(value)); });
  std::ranges::sort(requests, std::ranges::greater{}, &RequestSample::age);
}

ObservedStatus sample_of(const json::object& status) {
  ObservedStatus sample;
  sample.version = text(status, "version");
  sample.phase = text(status, "phase");
  sample.started_at = text(status, "started_at");
  sample.pid = count(status, "pid");
  sample.uptime = number(status, "uptime");
  sample.generation = count(status, "generation");
  sample.ready = count(status, "active_children_count");
  sample.wanted = count(status, "configured_children_count");
  sample.running = count(status, "concurrent_requests");
  sample.queued = count(status, "queued_requests");
  sample.connections = count(status, "connections");
  read_totals(object(status, "totals"), sample);
  for (const auto& [reason, times] : object(status, "restarts"))
    sample.restarts[reason] = static_cast<std::uint64_t>(number(&times));
  each_object(status, "children",
              [&sample](const json::object& value) { sample.workers.push_back(worker_of(value)); });
  read_reloads(status, sample);
  read_requests(status, sample);
  return sample;
}

}  // namespace

std::variant<ObservedStatus, std::string> parse_status(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error) return "its answer is no JSON";
  const json::object* const status = value.if_object();
  if (status == nullptr || !has_number(*status, "pid") || array(*status, "children") == nullptr)
    return "its JSON has no pid and children";
  return sample_of(*status);
}

}  // namespace spawning
