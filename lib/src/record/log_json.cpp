// SPDX-License-Identifier: MIT
// An exchange as a JSON object, in the names of OpenTelemetry's semantic conventions where they have
// one.
#include <unistd.h>

#include "base/log_escape.hpp"
#include "record/log_directives.hpp"
#include "record/log_times.hpp"

namespace spawning {
namespace {

// What is not there is left out.
void put(std::string_view name, std::string_view value, const LogEntry& entry, std::string& line) {
  if (value.empty()) return;
  line += name;
  append_json(value, entry.longest_value, line);
}

void put_field(std::string_view name, std::string_view header, const LogEntry& entry,
               std::string& line) {
  if (const Header* field = find_header(entry.record.headers, header))
    put(name, field->value, entry, line);
}

template <typename Number>
void put_number(std::string_view name, Number number, std::string& line) {
  line += name;
  append_number(number, line);
}

void put_ends(const LogEntry& entry, std::string& line) {
  const ExchangeRecord& record = entry.record;
  if (record.client != nullptr) {
    put(R"(,"client.address":)", record.client->host, entry, line);
    if (record.client->port != 0) put_number(R"(,"client.port":)", record.client->port, line);
  }
  if (record.connection != nullptr)
    put(R"(,"network.peer.address":)", record.connection->peer.host, entry, line);
  put(R"(,"server.address":)", without_port(record.host), entry, line);
}

void put_request(const LogEntry& entry, std::string& line) {
  const ExchangeRecord& record = entry.record;
  put(R"(,"http.request.method":)", record.method, entry, line);
  put(R"(,"url.path":)", record.path, entry, line);
  put(R"(,"url.query":)", record.query, entry, line);
  if (record.path.empty()) put(R"(,"url.original":)", record.target, entry, line);
  if (!record.target.empty())
    put(R"(,"network.protocol.version":)", to_string(record.version).substr(5), entry, line);
  put_number(R"(,"http.request.size":)", record.request_octets, line);
  put_field(R"(,"user_agent.original":)", "User-Agent", entry, line);
  put_field(R"(,"http.request.header.referer":)", "Referer", entry, line);
}

void put_answer(const LogEntry& entry, std::string& line) {
  const ExchangeRecord& record = entry.record;
  if (const unsigned status = logged_status(record))
    put_number(R"(,"http.response.status_code":)", status, line);
  put_number(R"(,"http.response.size":)", record.head_octets + record.body_octets, line);
  put_number(R"(,"http.response.body.size":)", record.body_octets, line);
  line += R"(,"http.server.request.duration":)";
  append_seconds(record.duration, line);
  line += R"(,"spawning.queue_time":)";
  append_seconds(record.queued, line);
  if (record.refusal) {
    put(R"(,"error.type":)", to_string(*record.refusal), entry, line);
  } else if (record.outcome != Outcome::complete) {
    put(R"(,"error.type":)", to_string(record.outcome), entry, line);
  }
}

void write_json(LogStep& step, const LogEntry& entry, std::string& line) {
  line += R"({"timestamp":")";
  append_timestamp(step, entry, line);
  line += '"';
  put_ends(entry, line);
  put_request(entry, line);
  put_answer(entry, line);
  put(R"(,"spawning.request_id":)", entry.record.request_id, entry, line);
  line += step.argument;
  line += '}';
}

}  // namespace

LogStep json_step() {
  return {.write = write_json, .argument = R"(,"process.pid":)" + std::to_string(::getpid())};
}

}  // namespace spawning
