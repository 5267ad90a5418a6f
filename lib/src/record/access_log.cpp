// SPDX-License-Identifier: MIT
#include "spawning/access_log.hpp"

#include <array>
#include <mutex>
#include <string>
#include <utility>

#include "record/line_writer.hpp"

namespace spawning {
namespace {

// So many octets of each value from a client are tried, until a line is short enough.
constexpr std::array<std::size_t, 4> kCuts{1024, 256, 64, 0};

}  // namespace

struct AccessLog::State {
  State(LogFormat f, UniqueFd destination, const Log& log)
      : format{std::move(f)}, writer{std::move(destination), log} {}

  void write_line(LogEntry entry);

  std::mutex mutex;
  LogFormat format;
  std::string line;
  LineWriter writer;
};

void AccessLog::State::write_line(LogEntry entry) {
  line.clear();
  format.append(entry, line);
  for (const std::size_t longest : kCuts) {
    if (line.size() <= writer.longest_line()) break;
    line.clear();
    entry.longest_value = longest;
    format.append(entry, line);
  }
  writer.put(line);
}

AccessLog::AccessLog(LogFormat format, UniqueFd destination, const Log& log)
    : state_{std::make_unique<State>(std::move(format), std::move(destination), log)} {}

AccessLog::~AccessLog() = default;

void AccessLog::exchange_ended(const ExchangeRecord& record) {
  if (!state_->writer.wanted()) return;
  const std::lock_guard lock{state_->mutex};
  state_->write_line({.record = record, .ended = std::chrono::system_clock::now()});
}

bool AccessLog::reads_response_heads() const { return state_->format.reads_response_heads(); }

void AccessLog::reopen(UniqueFd destination) { state_->writer.reopen(std::move(destination)); }

bool AccessLog::flush(std::chrono::milliseconds patience) { return state_->writer.flush(patience); }

std::uint64_t AccessLog::lost() const { return state_->writer.lost(); }

}  // namespace spawning
