// SPDX-License-Identifier: MIT
#include "status/metrics.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support/status_fixture.hpp"

namespace spawning {
namespace {

struct MetricsTest : ::testing::Test {
  // Whether there is this line.
  [[nodiscard]] bool says(const std::string& line) const {
    return ("\n" + metrics).find("\n" + line + "\n") != std::string::npos;
  }

  std::string metrics = to_metrics(test::eventful());
};

TEST_F(MetricsTest, SaysWhatEachMetricIs) {
  EXPECT_TRUE(says("# HELP spawning_workers_ready Workers that serve."));
  EXPECT_TRUE(says("# TYPE spawning_workers_ready gauge"));
  EXPECT_TRUE(says("spawning_workers_ready 1"));
  EXPECT_TRUE(says("spawning_info{version=\"1.2.3\"} 1"));
}

TEST_F(MetricsTest, CountsRequestsByMethodAndStatus) {
  EXPECT_TRUE(says(R"(spawning_requests_total{method="GET",status="2xx"} 40)"));
  EXPECT_TRUE(says(R"(spawning_requests_total{method="other",status="none"} 2)"));
  EXPECT_TRUE(says(R"(spawning_requests_total{method="POST",status="5xx"} 0)"));
  EXPECT_TRUE(says(R"(spawning_refusals_total{reason="host"} 1)"));
  EXPECT_TRUE(says(R"(spawning_requests_unfinished_total{outcome="refused"} 1)"));
}

TEST_F(MetricsTest, AddsUpTheBucketsOfAHistogram) {
  EXPECT_TRUE(says(R"(spawning_request_duration_seconds_bucket{le="0.0005"} 0)"));
  EXPECT_TRUE(says(R"(spawning_request_duration_seconds_bucket{le="0.001"} 30)"));
  EXPECT_TRUE(says(R"(spawning_request_duration_seconds_bucket{le="60"} 30)"));
  EXPECT_TRUE(says(R"(spawning_request_duration_seconds_bucket{le="+Inf"} 42)"));
  EXPECT_TRUE(says("spawning_request_duration_seconds_sum 2.5"));
  EXPECT_TRUE(says("spawning_request_duration_seconds_count 42"));
}

TEST_F(MetricsTest, TellsWorkersApart) {
  EXPECT_TRUE(says(R"(spawning_requests_running{worker="1",generation="2"} 3)"));
  EXPECT_TRUE(says(R"(spawning_connections_open{worker="1",generation="2"} 7)"));
  EXPECT_TRUE(says(R"(spawning_connections_by_state{worker="1",generation="2",state="other"} 2)"));
  EXPECT_TRUE(says(R"(spawning_oldest_request_seconds{worker="1",generation="2"} 12.5)"));
  EXPECT_TRUE(says(R"(spawning_oldest_request_seconds{worker="0",generation="1"} 0)"));
  EXPECT_TRUE(says(R"(spawning_worker_cpu_seconds_total{worker="1",generation="2"} 1.5)"));
  EXPECT_TRUE(says(R"(spawning_worker_memory_bytes{worker="1",generation="2"} 1048576)"));
  EXPECT_EQ(metrics.find("worker_memory_bytes{worker=\"0\""), std::string::npos);  // not measured
}

TEST_F(MetricsTest, EscapesWhatLabelsSay) {
  auto report = test::eventful();
  report.restarts = {{"a\"b\\c\nd", 1}};

  metrics = to_metrics(report);

  EXPECT_TRUE(says(R"(spawning_worker_restarts_total{reason="a\"b\\c\nd"} 1)"));
}

}  // namespace
}  // namespace spawning
