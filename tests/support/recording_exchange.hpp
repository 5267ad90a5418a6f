// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// An Exchange that keeps what a Handler answers.

#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spawning/exchange.hpp"

namespace spawning::test {

class RecordingExchange : public Exchange {
 public:
  bool begin() override {
    ++begun;
    return !client_left;
  }
  void inform(const ResponseHead& head) override { informed.push_back(head.status); }
  void start(const ResponseHead& head, std::optional<std::uint64_t> content_length) override {
    status = head.status;
    length = content_length;
    for (const auto& header : head.headers) headers.emplace_back(header.name, header.value);
  }
  WriteStatus write(std::string_view block) override {
    body += block;
    return client_left ? WriteStatus::gone : WriteStatus::ok;
  }
  WriteStatus write_file(UniqueFd file, std::uint64_t offset, std::uint64_t count) override {
    std::string block(static_cast<std::size_t>(count), '\0');
    const ssize_t got = ::pread(file.get(), block.data(), block.size(), static_cast<off_t>(offset));
    block.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    ++files;
    return write(block);
  }
  void finish() override { ++finished; }
  void abort() override { ++aborted; }
  bool wait_writable() override { return !client_left; }
  void when_writable(std::function<void()> resume) override { resume(); }
  [[nodiscard]] bool client_gone() const override { return client_left; }
  void when_gone(std::function<void()> callback) override { notify = std::move(callback); }

  unsigned status = 0;
  std::optional<std::uint64_t> length;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::vector<unsigned> informed;  // statuses of interim responses
  std::function<void()> notify;    // when_gone()
  int begun = 0;
  int files = 0;
  int finished = 0;
  int aborted = 0;
  bool client_left = false;
};

}  // namespace spawning::test
