// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Writing down what is wrong with workers, with measure.

#include <boost/asio/steady_timer.hpp>
#include <chrono>

#include "spawning/asio.hpp"
#include "spawning/log.hpp"
#include "supervise/trouble_digest.hpp"
#include "supervise/trouble_report.hpp"

namespace spawning {

/// Writes what a reload or the start came to as it is, and of workers that die while others serve
/// no more than a TroubleDigest lets through.
///
/// \par Threads   Everything runs on the thread that runs the context.
/// \par Lifetime  The context and `log` outlive it. Its timer keeps the context running while
///                something waits to be written, until finish().
class TroubleLog {
 public:
  TroubleLog(IoContext& context, const Log& log, std::chrono::milliseconds boot_timeout);

  TroubleLog(const TroubleLog&) = delete;
  TroubleLog& operator=(const TroubleLog&) = delete;

  void write(const action::Report& report, const WorkerDescription& worker);

  /// Writes what still waits. Nothing comes after it.
  void finish();

 private:
  void summarise();

  const Log& log_;
  const std::chrono::milliseconds boot_timeout_;
  TroubleDigest digest_;
  boost::asio::steady_timer timer_;
  bool timing_ = false;
};

}  // namespace spawning
