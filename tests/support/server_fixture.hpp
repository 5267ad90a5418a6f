// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A server in this process, for tests of what its clients see.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spawning/server.hpp"
#include "support/function_handler.hpp"
#include "support/loopback.hpp"
#include "support/raw_client.hpp"

namespace spawning::test {

/// Keeps what an observer is told.
struct Recorder : ServerObserver {
  struct Entry {
    std::string method, target;
    unsigned status;
    Outcome outcome;
    std::uint64_t body_octets;
    std::optional<RefusalReason> refusal;
  };
  struct Overdue {
    std::string target;
    pthread_t thread;
  };

  void exchange_ended(const ExchangeRecord& record) override {
    exchanges.push_back({std::string{record.method}, std::string{record.target}, record.status,
                         record.outcome, record.body_octets, record.refusal});
  }
  void request_overdue(const OverdueRequest& request) override {
    overdue.push_back({std::string{request.target}, request.thread});
  }
  void fields_dropped(std::size_t count) override { dropped += count; }
  void connection_opened() override { ++opened; }
  void connection_closed() override { ++closed; }

  std::vector<Entry> exchanges;
  std::vector<Overdue> overdue;
  std::size_t dropped = 0;
  int opened = 0, closed = 0;
};

/// A server that answers as `answer` says, and clients of it. Every test runs over a UNIX socketpair
/// and over TCP: instantiate it with &make_socketpair and &make_tcp_pair.
struct ServerTest : ::testing::TestWithParam<std::pair<UniqueFd, UniqueFd> (*)()> {
  IoContext context{1};
  UniqueFd null{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Log log{null.get(), "test"};
  Recorder recorder;
  HttpConfig config;
  std::function<void(Request, Responder)> answer = [](const Request& request, Responder responder) {
    responder.respond({}, std::string{"you asked for "} + std::string{request.path});
  };
  FunctionHandler handler{[this](const Request& request, Responder responder) {
    answer(request, std::move(responder));
  }};
  std::optional<Server> server;

  RawClient connect() {
    if (!server) server.emplace(context, handler, log, config, &recorder);
    auto [client, served] = GetParam()();
    server->adopt(std::move(served));
    return {context, std::move(client)};
  }

  static std::string drain_body(Body& body) { return body.read_all(1_GiB).value(); }

  void echo() {
    answer = [](const Request& request, Responder responder) {
      responder.respond({}, drain_body(*request.body));
    };
  }
};

}  // namespace spawning::test
