// SPDX-License-Identifier: MIT
#include "status/status_json.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "support/status_fixture.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;

struct StatusJsonTest : ::testing::Test {
  // What is at a JSON pointer, as text.
  std::string at(const char* pointer) const {
    return boost::json::serialize(status.at_pointer(pointer));
  }

  boost::json::value status = boost::json::parse(to_json(test::eventful()));
};

TEST_F(StatusJsonTest, HasSpawningsNames) {
  EXPECT_EQ(at("/pid"), "4711");
  EXPECT_EQ(at("/now"), R"("2001-09-09T01:48:10Z")");
  EXPECT_EQ(at("/started_at"), R"("2001-09-09T01:46:40Z")");
  EXPECT_DOUBLE_EQ(status.at("uptime").as_double(), 90.5);
  EXPECT_EQ(at("/active_children_count"), "1");
  EXPECT_EQ(at("/killed_children_count"), "1");
  EXPECT_EQ(at("/configured_children_count"), "2");
  EXPECT_EQ(at("/concurrent_requests"), "3");
  EXPECT_EQ(at("/config"), R"({"num_processes":2})");
  EXPECT_EQ(at("/children/0/pid"), "4712");
  EXPECT_EQ(at("/children/0/active"), "true");
  EXPECT_DOUBLE_EQ(status.at_pointer("/children/0/uptime").as_double(), 60.5);
  EXPECT_EQ(at("/children/0/forked_at"), R"("2001-09-09T01:47:10Z")");
  EXPECT_EQ(at("/children/0/concurrent_requests"), "3");
}

TEST_F(StatusJsonTest, SaysWhatWorkersDo) {
  EXPECT_EQ(at("/phase"), R"("serving")");
  EXPECT_EQ(at("/queued_requests"), "2");
  EXPECT_EQ(at("/connections"), "7");
  EXPECT_EQ(at("/children/0/state"), R"("serving")");
  EXPECT_EQ(at("/children/0/memory"), "1048576");
  EXPECT_DOUBLE_EQ(status.at_pointer("/children/0/cpu_seconds").as_double(), 1.5);
  EXPECT_EQ(at("/children/1/state"), R"("draining")");
  EXPECT_EQ(at("/children/1/memory"), "null");
}

TEST_F(StatusJsonTest, ListsTheRequestsThatRunWhateverOctetsTheySay) {
  EXPECT_EQ(at("/running_requests/0/method"), R"("GET")");
  EXPECT_EQ(status.at_pointer("/running_requests/0/path").as_string(), "/slow\xef\xbf\xbd\"<b>");
  EXPECT_EQ(at("/running_requests/0/path_cut"), "true");
  EXPECT_EQ(at("/running_requests/0/client"), R"("192.0.2.1:4711")");
  EXPECT_EQ(at("/running_requests/0/pid"), "4712");
  EXPECT_EQ(at("/running_requests/0/worker"), "1");
  EXPECT_EQ(at("/running_requests/0/generation"), "2");
  EXPECT_EQ(at("/running_requests/0/thread"), "3");
  EXPECT_DOUBLE_EQ(status.at_pointer("/running_requests/0/age").as_double(), 12.5);
  EXPECT_EQ(at("/running_requests/1/path_cut"), "false");
  EXPECT_DOUBLE_EQ(status.at_pointer("/running_requests/1/age").as_double(), .02);
}

TEST_F(StatusJsonTest, ListsTheOldestOnesOnlyOfVeryManyRequests) {
  auto report = test::eventful();
  report.running.resize(1000, report.running.back());

  status = boost::json::parse(to_json(report));

  EXPECT_EQ(status.at("running_requests").as_array().size(), 200U);
  EXPECT_EQ(at("/running_requests/0/thread"), "3");
}

TEST_F(StatusJsonTest, CountsWhatHasHappened) {
  EXPECT_EQ(at("/totals/answers"), "42");
  EXPECT_EQ(at("/totals/requests"), R"({"GET":{"2xx":40},"other":{"none":2}})");
  EXPECT_EQ(at("/totals/refusals"), R"({"host":1})");
  EXPECT_EQ(status.at_pointer("/totals/duration/counts").as_array().size(),
            status.at_pointer("/totals/duration/bounds").as_array().size() + 1);
  EXPECT_EQ(at("/restarts"), R"({"age":2,"death":1})");
  EXPECT_EQ(at("/reload_counts"), R"({"failed":1})");
}

TEST_F(StatusJsonTest, TellsOfTheLatestRestarts) {
  EXPECT_EQ(at("/recent_restarts/0/time"), R"("2001-09-09T01:47:25Z")");
  EXPECT_EQ(at("/recent_restarts/0/worker"), "1");
  EXPECT_EQ(at("/recent_restarts/0/generation"), "2");
  EXPECT_EQ(at("/recent_restarts/0/pid"), "4710");
  EXPECT_EQ(at("/recent_restarts/0/reason"), R"("death")");
  EXPECT_EQ(status.at_pointer("/recent_restarts/0/summary").as_string(),
            "was killed by SIGKILL in /srv/\xef\xbf\xbd.py");
}

TEST_F(StatusJsonTest, HasAHistoryByColumn) {
  StatusHistory history;
  StatusHistory::Time now{1000s};
  StatusSample sample;
  history.add(sample, now);
  sample.connections = 7;
  sample.memory = Bytes{4096};
  sample.totals.exchanges[0][2] = 40;
  sample.totals.duration.counts[0] = 40;
  history.add(sample, now += StatusHistory::kStep);

  status = boost::json::parse(to_json(history, now + 1500ms));

  EXPECT_EQ(at("/step"), "5");
  EXPECT_DOUBLE_EQ(status.at("age").as_double(), 1.5);
  EXPECT_EQ(at("/requests_per_second/0"), "null");
  EXPECT_DOUBLE_EQ(status.at_pointer("/requests_per_second/1").as_double(), 8);
  EXPECT_DOUBLE_EQ(status.at_pointer("/errors_per_second/1").as_double(), 0);
  EXPECT_DOUBLE_EQ(status.at_pointer("/latency_p50/1").as_double(), .00025);
  EXPECT_DOUBLE_EQ(status.at_pointer("/latency_p99/1").as_double(), .000495);
  EXPECT_EQ(at("/connections"), "[0,7]");
  EXPECT_EQ(at("/concurrent_requests"), "[0,0]");
  EXPECT_EQ(at("/queued_requests"), "[0,0]");
  EXPECT_EQ(at("/memory"), "[null,4096]");
}

TEST_F(StatusJsonTest, TellsOfAFailedReloadWhateverOctetsItIsAbout) {
  EXPECT_EQ(at("/reloads/0/verdict"), R"("failed")");
  EXPECT_EQ(at("/reloads/0/ended"), R"("2001-09-09T01:47:41Z")");
  EXPECT_EQ(status.at_pointer("/reloads/0/cause").as_string(), "/srv/\xef\xbf\xbd.py changed");
  EXPECT_NE(status.at_pointer("/reloads/0/traceback").as_string().find("\xef\xbf\xbd.py"),
            std::string::npos);
}

TEST_F(StatusJsonTest, ShowsAConfigurationThatIsNoJsonAsText) {
  auto report = test::eventful();
  report.configuration = "processes = 2";

  status = boost::json::parse(to_json(report));

  EXPECT_EQ(at("/config"), R"("processes = 2")");
}

}  // namespace
}  // namespace spawning
