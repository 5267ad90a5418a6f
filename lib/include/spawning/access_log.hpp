// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The access log: one line an exchange.

#include <chrono>
#include <cstdint>
#include <memory>

#include "spawning/exchange.hpp"
#include "spawning/export.hpp"
#include "spawning/log.hpp"
#include "spawning/log_format.hpp"
#include "spawning/unique_fd.hpp"

namespace SPAWNING_EXPORT spawning {

/// Writes a line about every exchange, whatever became of it.
///
/// Lines are collected and written by a thread of their own, whole and many at a time: the first one
/// after a pause at once, those that follow within a twentieth of a second. Processes may share the
/// destination; a line is never mixed with theirs. For that, one for a destination that is no
/// regular file is cut to 4,096 octets, in what the client has sent (PIPE_BUF).
///
/// No request ever waits for the log. Where lines cannot be written (a full disk, a pipe that nobody
/// reads) up to a mebibyte of them is kept and tried again; what comes on top of that is lost. The
/// error log says so when it begins, and how many were lost when it is over.
///
/// For /dev/null nothing is done at all: an exchange costs a look at a flag.
///
/// \par Threads   As ServerObserver; reopen() and flush() on any.
/// \par Lifetime  `log` outlives it. The destructor writes what is left, for a second at most.
class AccessLog final : public ServerObserver {
 public:
  /// \param destination  opened for appending; if it is non-blocking, so much the better.
  AccessLog(LogFormat format, UniqueFd destination, const Log& log);
  ~AccessLog() override;

  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void exchange_ended(const ExchangeRecord& record) override;
  void connection_opened() override {}
  void connection_closed() override {}
  [[nodiscard]] bool reads_response_heads() const override;

  /// Goes on with another file: every line is either in the old one or in this one.
  void reopen(UniqueFd destination);

  /// Waits until everything is written, or for `patience`. Says whether it is.
  bool flush(std::chrono::milliseconds patience);

  /// Lines that could not be kept, so far.
  [[nodiscard]] std::uint64_t lost() const;

 private:
  struct SPAWNING_PRIVATE State;
  std::unique_ptr<State> state_;
};

}  // namespace spawning
