// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// An Exchange that keeps what a Handler answers.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spawning/exchange.hpp"

namespace spawning::test {

class RecordingExchange : public Exchange {
 public:
  void start(const ResponseHead& head, std::optional<std::uint64_t> content_length) override {
    status = head.status;
    length = content_length;
    for (const auto& header : head.headers) headers.emplace_back(header.name, header.value);
  }
  WriteStatus write(std::string_view block) override {
    body += block;
    return client_left ? WriteStatus::gone : WriteStatus::ok;
  }
  void finish() override { ++finished; }
  void abort() override { ++aborted; }
  bool wait_writable() override { return !client_left; }
  void when_writable(std::function<void()> resume) override { resume(); }
  [[nodiscard]] bool client_gone() const override { return client_left; }

  unsigned status = 0;
  std::optional<std::uint64_t> length;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  int finished = 0;
  int aborted = 0;
  bool client_left = false;
};

}  // namespace spawning::test
