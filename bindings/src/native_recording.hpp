// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// An Exchange for tests from Python: what the application's answer looks like to the connection.

#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "spawning/exchange.hpp"

namespace spawning::python {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// What happened, and what the client is to do. Shared by the test and the exchange, which may
/// outlive the call.
struct Recording {
  std::mutex mutex;
  std::condition_variable changed;
  unsigned status = 0;
  std::string reason;
  Fields headers;
  std::vector<Fields> hints;  // the headers of interim responses
  std::optional<std::uint64_t> content_length;
  std::vector<std::string> blocks;
  std::vector<std::string> events;
  long full_after = -1;   // the block with this index fills the connection
  long gone_after = -1;   // from the block with this index on, the client has gone
  bool readable = false;  // whether a client that did not read has begun to
  bool left = false;      // whether the client has gone
  std::function<void()> notify;

  void note(std::string event) {
    const std::lock_guard lock{mutex};
    events.push_back(std::move(event));
    changed.notify_all();
  }

  /// The client goes; called on the I/O thread, so to speak.
  void leave() {
    const std::lock_guard lock{mutex};
    left = true;
    changed.notify_all();
    if (const auto tell = std::exchange(notify, nullptr)) tell();
  }
};

inline Fields fields_of(const ResponseHead& head) {
  Fields fields;
  for (const Header& header : head.headers) {
    if (header.name == "X-Refuse") throw std::invalid_argument{"the library refuses this head"};
    fields.emplace_back(header.name, header.value);
  }
  return fields;
}

/// Notes every call. A header `X-Refuse` is refused.
class RecordingExchange : public Exchange {
 public:
  explicit RecordingExchange(std::shared_ptr<Recording> recording)
      : recording_{std::move(recording)} {}

  void start(const ResponseHead& head, std::optional<std::uint64_t> content_length) override {
    recording_->headers = fields_of(head);
    recording_->note("start");
    recording_->status = head.status;
    recording_->reason = head.reason;
    recording_->content_length = content_length;
  }

  bool begin() override { return true; }
  void inform(const ResponseHead& head) override {
    recording_->hints.push_back(fields_of(head));
    recording_->note("inform " + std::to_string(head.status));
  }

  WriteStatus write(std::string_view block) override {
    const auto index = static_cast<long>(recording_->blocks.size());
    if ((recording_->gone_after >= 0 && index >= recording_->gone_after) || client_gone()) {
      recording_->note("gone");
      return WriteStatus::gone;
    }
    recording_->blocks.emplace_back(block);
    recording_->note("write");
    return index == recording_->full_after ? WriteStatus::full : WriteStatus::ok;
  }

  WriteStatus write_file(UniqueFd file, std::uint64_t offset, std::uint64_t length) override {
    std::string block(static_cast<std::size_t>(length), '\0');
    const ssize_t got = ::pread(file.get(), block.data(), block.size(), static_cast<off_t>(offset));
    block.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    recording_->note("file");
    return write(block);
  }

  void finish() override { end("finish"); }
  void abort() override { end("abort"); }

  bool wait_writable() override {
    recording_->note("wait");
    std::unique_lock lock{recording_->mutex};
    recording_->changed.wait_for(lock, std::chrono::seconds{10},
                                 [this] { return recording_->readable || recording_->left; });
    return recording_->readable;
  }

  void when_writable(std::function<void()> resume) override { resume(); }
  [[nodiscard]] bool client_gone() const override {
    const std::lock_guard lock{recording_->mutex};
    return recording_->left;
  }
  void when_gone(std::function<void()> notify) override {
    const std::lock_guard lock{recording_->mutex};
    if (recording_->left && notify) return notify();
    recording_->notify = std::move(notify);
  }

 private:
  void end(std::string how) {
    when_gone(nullptr);
    recording_->note(std::move(how));
  }

  std::shared_ptr<Recording> recording_;
};

}  // namespace spawning::python
