// SPDX-License-Identifier: MIT
#include "spawning/status_server.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "support/loopback.hpp"
#include "support/raw_client.hpp"
#include "support/status_fixture.hpp"

namespace spawning {
namespace {

struct StatusServerTest : ::testing::Test {
  void SetUp() override {
    auto [socket, chosen] = test::listen_on_loopback();
    port = chosen;
    server.emplace(context, std::move(socket),
                   StatusSources{[this] { return report; }, [this] { return sample(); }}, log);
  }

  // The whole answer.
  std::string ask(const std::string& target, const std::string& method = "GET") {
    test::RawClient client{context, test::connect_to(port)};
    client.send(method + " " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(client.sees_the_end());
    return client.received();
  }

  StatusSample sample() {
    ++samples;
    return {};
  }

  IoContext context{1};
  UniqueFd null{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Log log{null.get(), "test"};
  StatusReport report = test::eventful();
  unsigned samples = 0;
  std::optional<StatusServer> server;
  std::uint16_t port = 0;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(StatusServerTest, ShowsTheStatusToPrograms) {
  const std::string answer = ask("/status.json?now");

  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(has(answer, "Content-Type: application/json\r\n"));
  EXPECT_TRUE(has(answer, "Cache-Control: no-store\r\n"));
  EXPECT_TRUE(has(answer, R"("pid":4711,)"));
}

TEST_F(StatusServerTest, ShowsAPageToPeopleThatLetsABrowserRunNothingElse) {
  const std::string answer = ask("/status");

  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(has(answer, "Content-Type: text/html; charset=utf-8\r\n"));
  EXPECT_TRUE(has(answer, "Content-Security-Policy: default-src 'none'; script-src 'sha256-"));
  EXPECT_TRUE(has(answer, "; frame-ancestors 'none'\r\n"));
  EXPECT_TRUE(answer.ends_with("</html>\n"));
  const std::size_t length = answer.size() - answer.find("\r\n\r\n") - 4;
  EXPECT_TRUE(has(answer, "Content-Length: " + std::to_string(length) + "\r\n"));
  EXPECT_LT(length, 60'000U);
}

TEST_F(StatusServerTest, LeadsThereWhoOpensThePort) {
  const std::string answer = ask("/");

  EXPECT_TRUE(answer.starts_with("HTTP/1.1 302 "));
  EXPECT_TRUE(has(answer, "Location: status\r\n"));
}

TEST_F(StatusServerTest, ShowsWhatItHasSampledFromTheBeginning) {
  const std::string answer = ask("/status/history.json");

  EXPECT_TRUE(has(answer, "Content-Type: application/json\r\n"));
  EXPECT_TRUE(has(answer, R"("connections":[0],)"));
  EXPECT_EQ(samples, 1U);
}

TEST_F(StatusServerTest, MayEndWhileItsTimerRuns) {
  server.reset();

  context.run();
}

TEST_F(StatusServerTest, ShowsMetrics) {
  const std::string answer = ask("/metrics");

  EXPECT_TRUE(has(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_TRUE(has(answer, "spawning_workers_wanted 2\n"));
}

TEST_F(StatusServerTest, IsHealthyWhateverTheWorkersAre) {
  report.workers.clear();

  EXPECT_TRUE(ask("/healthz").starts_with("HTTP/1.1 200 "));
}

TEST_F(StatusServerTest, IsReadyWhileAnyWorkerServes) {
  const std::string ready = ask("/readyz");
  EXPECT_TRUE(ready.starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(has(ready, "1 of 2 workers serve\n"));

  report.workers.clear();
  EXPECT_TRUE(ask("/readyz").starts_with("HTTP/1.1 503 "));
}

TEST_F(StatusServerTest, IsNotReadyOnceItIsToStop) {
  report.phase = ServicePhase::stopping;

  EXPECT_TRUE(ask("/readyz").starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(ask("/startupz").starts_with("HTTP/1.1 200 "));
}

TEST_F(StatusServerTest, HasStartedOnceTheFirstGenerationServes) {
  report.phase = ServicePhase::starting;
  EXPECT_TRUE(ask("/startupz").starts_with("HTTP/1.1 503 "));

  report.phase = ServicePhase::serving;
  EXPECT_TRUE(ask("/startupz").starts_with("HTTP/1.1 200 "));
}

TEST_F(StatusServerTest, AnswersHeadWithoutABody) {
  const std::string answer = ask("/status.json", "HEAD");

  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(StatusServerTest, SaysWhatThereIsToWhomAsksForSomethingElse) {
  const std::string answer = ask("/nothing");

  EXPECT_TRUE(answer.starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(has(answer, "/status\n/status.json\n"));
}

TEST_F(StatusServerTest, LetsNobodyChangeAnything) {
  const std::string answer = ask("/status.json", "DELETE");

  EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 "));
  EXPECT_TRUE(has(answer, "Allow: GET, HEAD\r\n"));
}

}  // namespace
}  // namespace spawning
