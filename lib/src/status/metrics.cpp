// SPDX-License-Identifier: MIT
#include "status/metrics.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "spawning/refusal.hpp"

namespace spawning {
namespace {

using Labels = std::vector<std::pair<std::string_view, std::string>>;

// The shortest text that reads as the same number.
std::string number(double value) {
  std::array<char, 64> text{};
  const auto result =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return {text.data(), result.ptr};
}

std::string number(std::uint64_t value) { return std::to_string(value); }

double in_seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>{duration}.count();
}

class Exposition {
 public:
  // Samples of it follow.
  void metric(std::string_view name, std::string_view type, std::string_view help) {
    name_ = "spawning_";
    name_.append(name);
    text_.append("# HELP ").append(name_).append(" ").append(help).append("\n");
    text_.append("# TYPE ").append(name_).append(" ").append(type).append("\n");
  }

  template <typename Value>
  void sample(const Labels& labels, Value value, std::string_view suffix = "") {
    text_.append(name_).append(suffix);
    char separator = '{';
    for (const auto& [label, content] : labels) {
      text_.append(1, std::exchange(separator, ',')).append(label).append("=\"");
      append_escaped(content);
      text_.append("\"");
    }
    if (!labels.empty()) text_ += '}';
    text_.append(" ").append(number(value)).append("\n");
  }

  void histogram(const DurationTally& durations) {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < DurationTally::kBuckets; ++i) {
      const bool last = i == DurationTally::kBounds.size();
      count += durations.counts[i];
      sample({{"le", last ? "+Inf" : number(DurationTally::kBounds[i])}}, count, "_bucket");
    }
    sample({}, static_cast<double>(durations.nanoseconds) / 1e9, "_sum");
    sample({}, count, "_count");
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void append_escaped(std::string_view content) {
    for (const char c : content) {
      if (c == '\\' || c == '"') text_ += '\\';
      text_.append(c == '\n' ? "\\n" : std::string_view{&c, 1});
    }
  }

  std::string text_;
  std::string name_;
};

void expose_requests(Exposition& out, const Tally& totals) {
  out.metric("requests_total", "counter",
             "Requests by method and class of status; none: no response was sent.");
  for (std::size_t method = 0; method < kCountedMethods.size(); ++method) {
    for (std::size_t status = 0; status < totals.exchanges[method].size(); ++status) {
      out.sample({{"method", std::string{kCountedMethods[method]}},
                  {"status", status == 0 ? "none" : std::to_string(status) + "xx"}},
                 totals.exchanges[method][status]);
    }
  }
  out.metric("request_duration_seconds", "histogram",
             "From a complete request to the end of its response.");
  out.histogram(totals.duration);
  out.metric("request_queue_seconds", "histogram",
             "From a complete request to the beginning of work on it.");
  out.histogram(totals.queue_time);
  out.metric("response_body_bytes_total", "counter", "Octets of bodies sent, without framing.");
  out.sample({}, totals.body_octets_sent);
}

void expose_troubles(Exposition& out, const Tally& totals) {
  out.metric("requests_unfinished_total", "counter", "Requests that ended otherwise than whole.");
  out.sample({{"outcome", "aborted"}}, totals.aborted);
  out.sample({{"outcome", "client_gone"}}, totals.client_gone);
  out.sample({{"outcome", "refused"}}, totals.refused);
  out.sample({{"outcome", "timed_out"}}, totals.timed_out);
  out.metric("refusals_total", "counter", "Requests that no application saw, or lost, by reason.");
  for (std::size_t reason = 0; reason < totals.refusals.size(); ++reason) {
    out.sample({{"reason", std::string{to_string(static_cast<RefusalReason>(reason))}}},
               totals.refusals[reason]);
  }
  out.metric("header_fields_dropped_total", "counter",
             "Header fields left out because of their names.");
  out.sample({}, totals.fields_dropped);
  out.metric("hub_stalls_total", "counter",
             "Times that a hub of greenlets gave no sign of life for too long.");
  out.sample({}, totals.hub_stalls);
}

// One sample a worker.
template <typename Value>
void expose_each(Exposition& out, const StatusReport& report, Value value) {
  for (const WorkerReport& worker : report.workers) {
    out.sample({{"worker", std::to_string(worker.slot)},
                {"generation", std::to_string(worker.generation)}},
               value(worker));
  }
}

// By what is done for their clients. A request may outlive its connection.
void expose_connections(Exposition& out, const StatusReport& report) {
  out.metric("connections_by_state", "gauge",
             "Connections by state: a request runs, waits for a thread, or is not here whole.");
  for (const WorkerReport& worker : report.workers) {
    const std::uint64_t with_request = worker.running + worker.queued;
    const auto sample = [&out, &worker](const char* state, std::uint64_t count) {
      out.sample({{"worker", std::to_string(worker.slot)},
                  {"generation", std::to_string(worker.generation)},
                  {"state", state}},
                 count);
    };
    sample("running", worker.running);
    sample("queued", worker.queued);
    sample("other", worker.connections - std::min(worker.connections, with_request));
  }
}

void expose_workers(Exposition& out, const StatusReport& report) {
  out.metric("workers_wanted", "gauge", "Workers that there should be.");
  out.sample({}, std::uint64_t{report.wanted});
  out.metric("workers_ready", "gauge", "Workers that serve.");
  out.sample({}, std::uint64_t{report.ready()});
  out.metric("requests_running", "gauge", "Requests in application threads.");
  expose_each(out, report, [](const WorkerReport& each) { return each.running; });
  out.metric("oldest_request_seconds", "gauge",
             "For how long the oldest of the running requests has run; 0: none runs.");
  expose_each(out, report, [](const WorkerReport& each) { return in_seconds(each.oldest); });
  out.metric("requests_queued", "gauge", "Requests that wait for an application thread.");
  expose_each(out, report, [](const WorkerReport& each) { return each.queued; });
  out.metric("connections_open", "gauge", "Connections of clients, those that are idle too.");
  expose_each(out, report, [](const WorkerReport& each) { return each.connections; });
  expose_connections(out, report);
  out.metric("worker_cpu_seconds_total", "counter", "Processor time, of user and system.");
  expose_each(out, report, [](const WorkerReport& each) { return in_seconds(each.cpu); });
  out.metric("worker_start_time_seconds", "gauge", "When the worker was started, since 1970.");
  expose_each(out, report, [](const WorkerReport& each) {
    return in_seconds(std::chrono::floor<std::chrono::seconds>(each.started.time_since_epoch()));
  });
  out.metric("worker_memory_bytes", "gauge", "Proportional set size.");
  for (const WorkerReport& worker : report.workers) {
    if (!worker.memory) continue;
    out.sample({{"worker", std::to_string(worker.slot)},
                {"generation", std::to_string(worker.generation)}},
               worker.memory->count);
  }
}

void expose_service(Exposition& out, const StatusReport& report) {
  out.metric("info", "gauge", "The version that runs.");
  out.sample({{"version", report.version}}, std::uint64_t{1});
  out.metric("start_time_seconds", "gauge", "When the supervisor was started, since 1970.");
  out.sample({}, in_seconds(report.started.time_since_epoch()));
  out.metric("generation", "gauge", "Of the newest workers; counts reloads, from 1.");
  out.sample({}, report.generation);
  out.metric("connections_total", "counter",
             "Connections, those that go on with another worker once for each.");
  out.sample({}, report.totals.connections_accepted);
  out.metric("worker_restarts_total", "counter", "Workers that were replaced, by reason.");
  for (const auto& [reason, count] : report.restarts) out.sample({{"reason", reason}}, count);
  out.metric("reloads_total", "counter", "Generations after the first, by what became of them.");
  for (const auto& [verdict, count] : report.reload_counts)
    out.sample({{"result", verdict}}, count);
}

}  // namespace

std::string to_metrics(const StatusReport& report) {
  Exposition out;
  expose_service(out, report);
  expose_workers(out, report);
  expose_requests(out, report.totals);
  expose_troubles(out, report.totals);
  return out.take();
}

}  // namespace spawning
