// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What it takes to call a CallQueue.

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>

#include "spawning/body.hpp"
#include "spawning/log.hpp"
#include "spawning/request.hpp"
#include "spawning/responder.hpp"
#include "spawning/unique_fd.hpp"
#include "support/recording_exchange.hpp"

namespace spawning::test {

/// Requests without a body, Responders that nobody listens to, and a log to read.
struct PoolTest : ::testing::Test {
  int pipe_ends[2] = {-1, -1};
  ConnectionInfo connection;
  Body body;
  UniqueFd log_reader, log_writer;

  void SetUp() override {
    ASSERT_EQ(::pipe(pipe_ends), 0);
    log_reader.reset(pipe_ends[0]);
    log_writer.reset(pipe_ends[1]);
  }

  [[nodiscard]] Log log() const { return {log_writer.get(), "test"}; }

  [[nodiscard]] Request request(std::string_view path = "/") {
    return {.method = "GET",
            .path = path,
            .body = &body,
            .connection = &connection,
            .client = &connection.peer};
  }

  [[nodiscard]] static Responder responder() {
    return Responder{std::make_shared<RecordingExchange>()};
  }

  [[nodiscard]] std::string logged() {
    log_writer.reset();
    std::string text(4096, '\0');
    const ssize_t count = ::read(log_reader.get(), text.data(), text.size());
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }
};

}  // namespace spawning::test
