// SPDX-License-Identifier: MIT
// What a keep-alive request costs once everything is warm.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "spawning/access_log.hpp"
#include "spawning/running_requests.hpp"
#include "spawning/server.hpp"
#include "spawning/worker_pool.hpp"
#include "support/allocations.hpp"
#include "support/function_handler.hpp"
#include "support/loopback.hpp"

namespace spawning {
namespace {

struct SteadyStateTest : ::testing::Test {
  IoContext context{1};
  Log log{STDERR_FILENO, "test"};
  test::FunctionHandler hello{[](const Request& request, Responder responder) {
    static constexpr std::array kHeaders{Header{"Content-Type", "text/plain"}};
    responder.respond({.status = 200, .reason = {}, .headers = kHeaders},
                      request.body->unread_in_memory());
  }};
  std::pair<UniqueFd, UniqueFd> ends = test::make_socketpair();
  std::array<char, 8192> answer{};
  std::optional<AccessLog> access_log;

  void log_accesses(std::string_view format) {
    UniqueFd file{::memfd_create("access log", MFD_CLOEXEC)};
    ASSERT_TRUE(file);
    access_log.emplace(LogFormat::parse(format), std::move(file), log);
  }

  // Allocations of a thousand exchanges, after as many that do not count.
  std::uint64_t allocations_of(Handler& handler, std::string_view request,
                               const HttpConfig& config = {}) {
    Server server{context, handler, log, config, access_log ? &*access_log : nullptr};
    server.adopt(std::move(ends.second));
    std::uint64_t before = 0;
    for (int i = 0; i < 2000; ++i) {
      if (access_log && i % 100 == 0) {
        EXPECT_TRUE(access_log->flush(std::chrono::seconds{20}));
      }
      if (i == 1000) before = test::allocations();
      EXPECT_GT(::send(ends.first.get(), request.data(), request.size(), 0), 0);
      while (::recv(ends.first.get(), answer.data(), answer.size(), MSG_DONTWAIT) <= 0) {
        context.restart();
        context.poll();
      }
    }
    return test::allocations() - before;
  }
};

constexpr std::string_view kGet =
    "GET /path?query HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: a\r\nAccept: */*\r\n\r\n";
constexpr std::string_view kPost =
    "POST /path HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 11\r\n\r\nhello world";

TEST_F(SteadyStateTest, AllocatesNothingForARequest) { EXPECT_EQ(allocations_of(hello, kGet), 0U); }

TEST_F(SteadyStateTest, AllocatesNothingForARequestWithABody) {
  EXPECT_EQ(allocations_of(hello, kPost), 0U);
}

TEST_F(SteadyStateTest, AllocatesNothingForALineOfTheAccessLog) {
  log_accesses(R"(%h %t "%r" %>s %B %{decimal}T "%{User-Agent}i" "%{Content-Type}o" %Q)");

  EXPECT_EQ(allocations_of(hello, kGet), 0U);
}

TEST_F(SteadyStateTest, AllocatesNothingForAJsonLineAndARequestId) {
  log_accesses("json");
  HttpConfig config;
  config.request_id = true;

  EXPECT_EQ(allocations_of(hello, kGet, config), 0U);
}

TEST_F(SteadyStateTest, AllocatesNothingForARequestThatAPoolAnswersAndLists) {
  std::array<std::atomic<std::uint64_t>, 4> counts{};
  RunningRequests requests;
  WorkerPool pool{hello, log};
  pool.publish_to({&counts[0], &counts[1], &counts[2], &counts[3], &requests});
  std::thread thread{[&pool] { pool.run(); }};

  EXPECT_EQ(allocations_of(pool, kGet), 0U);

  pool.stop();
  thread.join();
}

}  // namespace
}  // namespace spawning
