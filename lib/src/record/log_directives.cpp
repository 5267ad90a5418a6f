// SPDX-License-Identifier: MIT
#include "record/log_directives.hpp"

#include <unistd.h>

#include <array>
#include <utility>

#include "base/log_escape.hpp"
#include "record/log_times.hpp"
#include "spawning/error.hpp"

namespace spawning {
namespace {

using Time = std::chrono::steady_clock::duration;
using Microseconds = std::chrono::microseconds;
using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

// Each appends one thing. They are templates where Apache has one name for several things.
using Step = LogStep;
using Entry = const LogEntry;

void put(std::string_view value, Entry& entry, std::string& line) {
  append_text(value, entry.longest_value, line);
}

void write_literal(Step& step, Entry&, std::string& line) { line += step.argument; }

void write_host(const Address* address, Entry& entry, std::string& line) {
  put(address == nullptr ? std::string_view{} : std::string_view{address->host}, entry, line);
}

void write_client(Step&, Entry& entry, std::string& line) {
  write_host(entry.record.client, entry, line);
}

void write_peer(Step&, Entry& entry, std::string& line) {
  const auto* const connection = entry.record.connection;
  write_host(connection == nullptr ? nullptr : &connection->peer, entry, line);
}

void write_local(Step&, Entry& entry, std::string& line) {
  const auto* const connection = entry.record.connection;
  write_host(connection == nullptr ? nullptr : &connection->local, entry, line);
}

template <Address ConnectionInfo::*end>
void write_port(Step&, Entry& entry, std::string& line) {
  const auto* const connection = entry.record.connection;
  append_number(connection == nullptr ? 0U : unsigned{(connection->*end).port}, line);
}

void write_nobody(Step&, Entry&, std::string& line) { line += '-'; }

void write_request_line(Step&, Entry& entry, std::string& line) {
  const ExchangeRecord& record = entry.record;
  put(record.method, entry, line);
  if (record.method.empty() || record.target.empty()) return;
  line += ' ';
  put(record.target, entry, line);
  line += ' ';
  line += to_string(record.version);
}

void write_status(Step&, Entry& entry, std::string& line) {
  const unsigned status = logged_status(entry.record);
  if (status == 0) {
    line += '-';
  } else {
    append_number(status, line);
  }
}

void write_body_octets(Step&, Entry& entry, std::string& line) {
  append_number(entry.record.body_octets, line);
}

void write_body_octets_if_any(Step& step, Entry& entry, std::string& line) {
  if (entry.record.body_octets > 0) return write_body_octets(step, entry, line);
  line += '-';
}

std::uint64_t sent(Entry& entry) { return entry.record.head_octets + entry.record.body_octets; }
void write_received(Step&, Entry& entry, std::string& line) {
  append_number(entry.record.request_octets, line);
}
void write_sent(Step&, Entry& entry, std::string& line) { append_number(sent(entry), line); }
void write_both_ways(Step&, Entry& entry, std::string& line) {
  append_number(entry.record.request_octets + sent(entry), line);
}

template <typename Unit, Time ExchangeRecord::*time>
void write_time(Step&, Entry& entry, std::string& line) {
  append_number(std::chrono::duration_cast<Unit>(entry.record.*time).count(), line);
}
template <Time ExchangeRecord::*time>
void write_seconds(Step&, Entry& entry, std::string& line) {
  append_seconds(entry.record.*time, line);
}

void write_protocol(Step&, Entry& entry, std::string& line) {
  line += to_string(entry.record.version);
}
template <std::string_view ExchangeRecord::*view>
void write_view(Step&, Entry& entry, std::string& line) {
  put(entry.record.*view, entry, line);
}
void write_query(Step&, Entry& entry, std::string& line) {
  if (entry.record.query.empty()) return;
  line += '?';
  put(entry.record.query, entry, line);
}
void write_server_name(Step&, Entry& entry, std::string& line) {
  put(without_port(entry.record.host), entry, line);
}

void write_connection(Step&, Entry& entry, std::string& line) {
  const bool broken =
      entry.record.outcome == Outcome::aborted || entry.record.outcome == Outcome::client_gone;
  line += broken ? 'X' : entry.record.keep_alive ? '+' : '-';
}

void write_outcome(Step&, Entry& entry, std::string& line) {
  line += to_string(entry.record.outcome);
}
void write_refusal(Step&, Entry& entry, std::string& line) {
  line += entry.record.refusal ? to_string(*entry.record.refusal) : "-";
}

// Several fields of a name are one, with commas. RFC 9110 §5.3
class Joined {
 public:
  Joined(Entry& entry, std::string& line) : entry_{entry}, line_{line} {}
  ~Joined() {
    if (!any_) line_ += '-';
  }
  Joined(const Joined&) = delete;
  Joined& operator=(const Joined&) = delete;

  void add(std::string_view value) {
    if (std::exchange(any_, true)) line_ += ", ";
    put(value, entry_, line_);
  }

 private:
  Entry& entry_;
  std::string& line_;
  bool any_ = false;
};

void write_request_field(Step& step, Entry& entry, std::string& line) {
  Joined values{entry, line};
  for (const Header& header : entry.record.headers) {
    if (equals_ignoring_case(header.name, step.argument)) values.add(header.value);
  }
}

void write_response_field(Step& step, Entry& entry, std::string& line) {
  Joined values{entry, line};
  std::string_view head = entry.record.response_head;
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    const std::string_view field = head.substr(0, end);
    const std::size_t colon = field.find(": ");
    if (colon != field.npos && equals_ignoring_case(field.substr(0, colon), step.argument))
      values.add(field.substr(colon + 2));
    head.remove_prefix(end == head.npos ? head.size() : end + 2);
  }
}

struct Directive {
  char letter;
  std::string_view argument;
  void (*write)(Step& step, Entry& entry, std::string& line);
};

constexpr std::string_view kAny = "*";  // an argument that the writer gets

constexpr std::array kDirectives{
    Directive{'a', "", write_client},
    Directive{'a', "c", write_peer},
    Directive{'A', "", write_local},
    Directive{'b', "", write_body_octets_if_any},
    Directive{'B', "", write_body_octets},
    Directive{'D', "", write_time<Microseconds, &ExchangeRecord::duration>},
    Directive{'h', "", write_client},
    Directive{'h', "c", write_peer},
    Directive{'H', "", write_protocol},
    Directive{'i', kAny, write_request_field},
    Directive{'I', "", write_received},
    Directive{'l', "", write_nobody},
    Directive{'L', "", write_view<&ExchangeRecord::request_id>},
    Directive{'m', "", write_view<&ExchangeRecord::method>},
    Directive{'o', kAny, write_response_field},
    Directive{'O', "", write_sent},
    Directive{'p', "", write_port<&ConnectionInfo::local>},
    Directive{'p', "canonical", write_port<&ConnectionInfo::local>},
    Directive{'p', "local", write_port<&ConnectionInfo::local>},
    Directive{'p', "remote", write_port<&ConnectionInfo::peer>},
    Directive{'q', "", write_query},
    Directive{'Q', "", write_seconds<&ExchangeRecord::queued>},
    Directive{'Q', "s", write_time<Seconds, &ExchangeRecord::queued>},
    Directive{'Q', "ms", write_time<Milliseconds, &ExchangeRecord::queued>},
    Directive{'Q', "us", write_time<Microseconds, &ExchangeRecord::queued>},
    Directive{'r', "", write_request_line},
    Directive{'s', "", write_status},
    Directive{'S', "", write_both_ways},
    Directive{'T', "", write_time<Seconds, &ExchangeRecord::duration>},
    Directive{'T', "s", write_time<Seconds, &ExchangeRecord::duration>},
    Directive{'T', "ms", write_time<Milliseconds, &ExchangeRecord::duration>},
    Directive{'T', "us", write_time<Microseconds, &ExchangeRecord::duration>},
    Directive{'T', "decimal", write_seconds<&ExchangeRecord::duration>},
    Directive{'u', "", write_nobody},
    Directive{'U', "", write_view<&ExchangeRecord::path>},
    Directive{'v', "", write_server_name},
    Directive{'V', "", write_server_name},
    Directive{'x', "outcome", write_outcome},
    Directive{'x', "refusal", write_refusal},
    Directive{'X', "", write_connection},
};

}  // namespace

LogStep directive_step(char letter, std::string_view argument) {
  if (letter == 't') return time_step(argument);
  if (letter == 'P' && (argument.empty() || argument == "pid"))
    return literal_step(std::to_string(::getpid()));
  for (const Directive& each : kDirectives) {
    if (each.letter != letter) continue;
    const bool any = each.argument == kAny && !argument.empty();
    if (any || each.argument == argument) {
      return {.write = each.write,
              .reads_response_head = letter == 'o',
              .argument = std::string{argument}};
    }
  }
  const std::string braces = argument.empty() ? "" : "{" + std::string{argument} + "}";
  const bool lacks = argument.empty() && (letter == 'i' || letter == 'o');
  throw StartupError{"there is no directive %" + braces + letter +
                     (lacks ? std::string{"; a name is missing, as in %{Name}"} + letter : "")};
}

LogStep literal_step(std::string text) {
  return {.write = write_literal, .argument = std::move(text)};
}

unsigned logged_status(const ExchangeRecord& record) {
  return record.status == 0 && record.outcome == Outcome::client_gone ? 499 : record.status;
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::complete:
      return "complete";
    case Outcome::aborted:
      return "aborted";
    case Outcome::client_gone:
      return "client_gone";
    case Outcome::refused:
      return "refused";
    case Outcome::timed_out:
      return "timed_out";
  }
  return "";
}

std::string_view without_port(std::string_view host) {
  return host.substr(0, host.find(':', host.find(']') + 1));  // npos + 1 is 0
}

void append_padded(std::uint64_t number, int width, std::string& line) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  for (auto length = end - digits; length < width; ++length) line += '0';
  line.append(digits, end);
}

void append_seconds(std::chrono::steady_clock::duration time, std::string& line) {
  const auto microseconds =
      static_cast<std::uint64_t>(std::chrono::duration_cast<Microseconds>(time).count());
  append_number(microseconds / 1'000'000, line);
  line += '.';
  append_padded(microseconds % 1'000'000, 6, line);
}

}  // namespace spawning
