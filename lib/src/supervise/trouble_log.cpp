// SPDX-License-Identifier: MIT
#include "supervise/trouble_log.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace spawning {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

TroubleLog::TroubleLog(IoContext& context, const Log& log, std::chrono::milliseconds boot_timeout)
    : log_{log}, boot_timeout_{boot_timeout}, timer_{context} {}

void TroubleLog::write(const action::Report& report, const WorkerDescription& worker) {
  const std::string line = describe(report, worker, boot_timeout_);
  const std::string traceback = report.repeated ? "" : traceback_of(report, worker);
  auto verdict = TroubleDigest::Verdict::whole;
  if (!is_verdict(report.consequence)) {  // those come as often as they like
    const auto lines = static_cast<std::size_t>(std::ranges::count(traceback, '\n'));
    verdict = digest_.report(report.trouble, line, lines, Clock::now());
  }
  switch (verdict) {
    case TroubleDigest::Verdict::whole:
      if (!traceback.empty()) return log_.traceback(line, traceback);
      [[fallthrough]];
    case TroubleDigest::Verdict::line:
      return log_.error(line);
    case TroubleDigest::Verdict::later:
      break;
  }
  if (std::exchange(timing_, true)) return;
  timer_.expires_at(digest_.next_deadline().value());
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) summarise();
  });
}

void TroubleLog::finish() {
  timer_.cancel();
  summarise();
}

void TroubleLog::summarise() {
  timing_ = false;
  if (const std::string summary = digest_.summary(Clock::now()); !summary.empty())
    log_.error(summary);
}

}  // namespace spawning
