// SPDX-License-Identifier: MIT
#include "spawning/top_view.hpp"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <limits>

#include "status/status_json.hpp"
#include "support/status_fixture.hpp"
#include "top/display_text.hpp"

namespace spawning {
namespace {

namespace json = boost::json;
using Lines = std::vector<std::string>;

ObservedStatus sample_of(const std::string& text) {
  return std::get<ObservedStatus>(parse_status(text));
}

// The eventful service, with what a newer server says, too.
json::object status_with_requests() {
  json::object status = json::parse(to_json(test::eventful())).as_object();
  status["running_requests"] = json::array{
      {{"method", "GET"}, {"path", "/young"}, {"client", "10.0.0.2"}, {"worker", 1}, {"age", 0.25}},
      {{"method", "POST"},
       {"path", "/old/世界"},
       {"path_cut", true},
       {"client", "10.0.0.1"},
       {"worker", 1},
       {"age", 31.5}}};
  return status;
}

ObservedStatus eventful() { return sample_of(json::serialize(status_with_requests())); }

// …a second later, with `answers` more of them.
ObservedStatus a_second_later(std::uint64_t answers) {
  ObservedStatus sample = eventful();
  sample.uptime += 1;
  sample.answers += answers;
  sample.duration_counts[1] += answers;
  sample.workers[0].answers += answers;
  sample.workers[0].cpu_seconds += .5;
  return sample;
}

TopView view_of(std::size_t columns, std::size_t rows) {
  TopView view;
  view.source = "127.0.0.1:9080";
  view.columns = columns;
  view.rows = rows;
  return view;
}

std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

std::string shown(const ObservedStatus& now, const TopView& view) {
  return joined(top_lines(&now, nullptr, view));
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(TopViewTest, ShowsAService) {
  const ObservedStatus before = eventful(), now = a_second_later(250);

  EXPECT_EQ("\n" + joined(top_lines(&now, &before, view_of(80, 24))), R"(
spawn 1.2.3  127.0.0.1:9080  pid 4711  up 1m31s  serving
workers 1/2  generation 3  connections 7  running 3  queued 2
250 requests/s  p50 ≤1 ms  p99 ≤1 ms  sent 0B/s  cpu 50%  memory 1.0M
5xx 0.0/s (0)  refused 0.0/s (1)  timed out 0.0/s (0)
reload 3  failed 29s ago  (/srv/�.py changed)
  worker 2 cannot load the application: SyntaxError: <script>
restarted workers:  age 2  death 1

SLOT   PID  GEN  STATE        UP  %CPU   MEM  REQ/S  CONN  RUN  QUEUE
   0  4713    1  draining  1m30s   0.0     -    0.0     0    0      0
   1  4712    2  serving   1m00s  50.0  1.0M    250     7    3      2

RUNS FOR  SLOT  CLIENT    METHOD  PATH
   31.5s     1  10.0.0.1  POST    /old/世界…
    0.2s     1  10.0.0.2  GET     /young
)");
}

TEST(TopViewTest, CountsFromTheStartWithoutASampleBefore) {
  const std::string text = shown(eventful(), view_of(100, 24));

  EXPECT_TRUE(contains(text, "0.5 requests/s  p50 ≤1 ms  p99 >60 s")) << text;
  EXPECT_TRUE(contains(text, "(since start)")) << text;
}

TEST(TopViewTest, CountsAnewWhenTheServiceWasStartedAnew) {
  ObservedStatus before = eventful();
  before.pid = 1;
  const ObservedStatus now = a_second_later(250);

  EXPECT_TRUE(contains(joined(top_lines(&now, &before, view_of(100, 24))), "(since start)"));
}

TEST(TopViewTest, NeverExceedsTheTerminal) {
  ObservedStatus crowded = eventful();
  crowded.workers.resize(40, crowded.workers[0]);
  crowded.requests->resize(60, crowded.requests->front());
  for (std::size_t columns : {0U, 1U, 40U, 79U, 200U}) {
    for (std::size_t rows : {1U, 2U, 8U, 12U, 60U}) {
      for (const TopBody body : {TopBody::workers, TopBody::traceback, TopBody::help}) {
        TopView view = view_of(columns, rows);
        view.body = body;
        view.keys = true;
        const Lines lines = top_lines(&crowded, nullptr, view);

        EXPECT_LE(lines.size(), rows);
        for (const std::string& line : lines)
          EXPECT_LE(display_text(line, std::numeric_limits<std::size_t>::max()).columns, columns);
      }
    }
  }
}

TEST(TopViewTest, LeavesOutColumnsWhereThereIsNoRoom) {
  const std::string text = shown(eventful(), view_of(60, 24));

  EXPECT_TRUE(contains(text, "SLOT   PID  STATE     %CPU   MEM  REQ/S  CONN  RUN  QUEUE")) << text;
  EXPECT_TRUE(contains(text, "/old/世界")) << text;
}

TEST(TopViewTest, CountsWhatItLeavesOut) {
  ObservedStatus crowded = eventful();
  crowded.workers.resize(40, crowded.workers[0]);
  crowded.requests->resize(300, crowded.requests->front());

  const std::string text = shown(crowded, view_of(80, 24));

  EXPECT_TRUE(contains(text, "… 34 more workers")) << text;
  EXPECT_TRUE(contains(text, "more requests")) << text;
  EXPECT_TRUE(contains(text, "/old/世界")) << text;
}

TEST(TopViewTest, ShowsEverythingWithoutALimit) {
  ObservedStatus crowded = eventful();
  crowded.workers.resize(400, crowded.workers[0]);

  EXPECT_GT(top_lines(&crowded, nullptr, view_of(80, 0)).size(), 400U);
}

TEST(TopViewTest, SortsWorkers) {
  ObservedStatus now = eventful();
  TopView view = view_of(80, 24);
  const auto first_is = [&now, &view](std::string_view pid) {
    const std::string text = shown(now, view);
    return text.find(pid) < text.find(pid == "4712" ? "4713" : "4712");
  };

  EXPECT_TRUE(first_is("4713"));
  for (const WorkerOrder order : {WorkerOrder::memory, WorkerOrder::cpu, WorkerOrder::requests}) {
    view.order = order;
    EXPECT_TRUE(first_is("4712"));
  }
}

TEST(TopViewTest, ShowsTheTracebackAndTheKeys) {
  TopView view = view_of(80, 24);
  view.body = TopBody::traceback;
  EXPECT_TRUE(contains(shown(eventful(), view), "\nTraceback…\n  File \"/srv/�.py\"\n"));

  view.body = TopBody::help;
  EXPECT_TRUE(contains(shown(eventful(), view), "space p  pause, and go on"));
}

TEST(TopViewTest, SaysWhatTheTroubleIs) {
  TopView view = view_of(80, 24);
  EXPECT_TRUE(contains(joined(top_lines(nullptr, nullptr, view)), "waiting for an answer"));

  view.trouble = "no answer";
  EXPECT_TRUE(contains(joined(top_lines(nullptr, nullptr, view)), "no answer"));
  EXPECT_TRUE(contains(shown(eventful(), view), "\nno answer\n"));
}

TEST(TopViewTest, HasColoursOnlyIfAsked) {
  TopView view = view_of(80, 24);
  EXPECT_FALSE(contains(shown(eventful(), view), "\x1b"));

  view.colour = true;
  EXPECT_TRUE(contains(shown(eventful(), view), "\x1b[32mserving\x1b[m"));
}

// NOLINTBEGIN(misc-misleading-bidirectional): it is an attack.
// Every text of the status replaced by one.
json::value poisoned(json::value value) {
  if (value.is_string())
    return "\x1b]0;pwned\x07\xc2\x9b"
           "2J\r\n\xe2\x80\xae";
  if (auto* const array = value.if_array()) {
    for (json::value& each : *array) each = poisoned(each);
  }
  if (auto* const object = value.if_object()) {
    for (auto& [name, each] : *object) each = poisoned(each);
  }
  return value;
}

TEST(TopViewTest, LetsNobodyWriteToTheTerminal) {
  json::object status = status_with_requests();
  status["restarts"] = json::object{{"\x1b[2J", 1}};
  status = poisoned(status).as_object();
  ObservedStatus sample = sample_of(json::serialize(status));
  sample.last_failure = sample.last_reload;
  for (const TopBody body : {TopBody::workers, TopBody::traceback}) {
    TopView view = view_of(300, 40);
    view.body = body;
    for (const std::string& line : top_lines(&sample, nullptr, view)) {
      for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << line;
      EXPECT_FALSE(contains(line, "\xc2\x9b")) << line;
      EXPECT_FALSE(contains(line, "\xe2\x80\xae")) << line;
    }
  }
}
// NOLINTEND(misc-misleading-bidirectional)

// Every member left out, then of every other type.
TEST(TopViewTest, BearsServersOfOtherVersions) {
  const json::object whole = status_with_requests();
  for (const auto& [name, unused] : whole) {
    for (const json::value& instead :
         {json::value(nullptr), json::value("text"), json::value(-1e300), json::value(true),
          json::value(json::array{1, "x", nullptr, json::object{}}),
          json::value(json::object{{"duration", json::object{{"bounds", "x"}, {"counts", 1}}},
                                   {"requests", json::array{}}})}) {
      json::object changed = whole;
      changed[name] = instead;
      auto parsed = parse_status(json::serialize(changed));
      if (const auto* const sample = std::get_if<ObservedStatus>(&parsed)) {
        EXPECT_FALSE(top_lines(sample, sample, view_of(80, 24)).empty());
      }
    }
  }
  const ObservedStatus least = sample_of(R"({"pid":1,"children":[{}]})");
  EXPECT_EQ(top_lines(&least, nullptr, view_of(80, 24)).size(), 7U);
}

TEST(TopViewTest, IsOfAStatusOnly) {
  for (const char* const text : {"", "<html>", "[]", "{}", "null", R"({"pid":1})",
                                 R"({"pid":"1","children":[]})", R"({"pid":1,"children":{}})"}) {
    EXPECT_TRUE(std::holds_alternative<std::string>(parse_status(text))) << text;
  }
}

}  // namespace
}  // namespace spawning
