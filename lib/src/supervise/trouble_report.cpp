// SPDX-License-Identifier: MIT
#include "supervise/trouble_report.hpp"

#include <algorithm>
#include <functional>
#include <span>

#include "base/in_seconds.hpp"
#include "base/utf8.hpp"

namespace spawning {
std::string in_words(std::chrono::milliseconds time) {
  const auto ms = time.count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

namespace {

// "1,234"
std::string grouped(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (auto at = std::ssize(digits) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string in_mebibytes(Bytes size) { return grouped(size.count >> 20) + " MiB"; }

// Where to look for what a signal does not say.
std::string perhaps_because(const std::string& end) {
  if (end.find("SIGKILL") != end.npos) return " (if for want of memory, dmesg says so)";
  for (const char* crash : {"SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE"}) {
    if (end.find(crash) != end.npos)
      return " (a crash of native code: with PYTHONFAULTHANDLER=1 Python writes down where)";
  }
  return "";
}

std::string how_it_ended(const action::Report& report, const WorkerDescription& worker,
                         const std::string& perhaps_because = "") {
  const bool early = report.trouble == Trouble::death_before_ready && worker.pid != 0;
  return worker.end + (early ? " before it was ready" : "") + perhaps_because +
         (worker.lost.empty() ? "" : ", while it answered " + worker.lost);
}

std::string option_of(ReplaceReason reason) {
  switch (reason) {
    case ReplaceReason::overdue:
      return " (--request-timeout)";
    case ReplaceReason::age:
      return " (--max-age)";
    case ReplaceReason::requests:
      return " (--max-requests)";
    case ReplaceReason::memory:
      break;
  }
  return " (--max-memory, --max-worker-memory)";
}

std::string what_follows(const action::Report& report, const WorkerDescription& worker) {
  switch (report.consequence) {
    case Consequence::end:
      return "; the service cannot start, so spawn ends";
    case Consequence::wait:
      return "; the next try comes when a file changes that may mend it";
    case Consequence::discard:
      return "; generation " + std::to_string(worker.generation) +
             " is discarded, the one before goes on until another reload";
    case Consequence::halt:
      return "; the reload ends here, with some of generation " +
             std::to_string(worker.generation) +
             " and the rest of those before, until another reload";
    case Consequence::succeed:
      return "; its successor has been started already";
    case Consequence::keep:
      return "; the one before goes on, its next successor starts in " + in_words(report.delay);
    case Consequence::try_one:
      return (report.delay.count() == 0 ? "; another one is tried"
                                        : "; one worker is tried in " + in_words(report.delay)) +
             ", the others follow once it is ready";
    case Consequence::retry:
      break;
  }
  return report.delay.count() == 0 ? "; its successor starts at once"
                                   : "; its successor starts in " + in_words(report.delay);
}

}  // namespace

std::string WorkerDescription::name() const {
  const std::string number = "worker " + std::to_string(slot);
  return pid == 0 ? number : number + " (pid " + std::to_string(pid) + ")";
}

const char* to_string(ReplaceReason reason) {
  switch (reason) {
    case ReplaceReason::overdue:
      return "overdue";
    case ReplaceReason::age:
      return "age";
    case ReplaceReason::requests:
      return "requests";
    case ReplaceReason::memory:
      break;
  }
  return "memory";
}

std::string what_happened(const action::Replacing& replacing, const WorkerDescription& worker) {
  const WorkerUsage& usage = worker.usage;
  switch (replacing.reason) {
    case ReplaceReason::overdue:
      break;
    case ReplaceReason::age:
      return "has served for " + in_words(usage.served);
    case ReplaceReason::requests:
      return "served " + grouped(usage.requests) + " requests";
    case ReplaceReason::memory:
      return "uses " + in_mebibytes(usage.memory) +
             (usage.total.count == 0
                  ? ""
                  : ", the most of the " + in_mebibytes(usage.total) + " that all workers use");
  }
  return "a request ran for more than " + in_words(worker.overdue->limit);
}

std::string what_happened(const action::Report& report, const WorkerDescription& worker,
                          std::chrono::milliseconds boot_timeout) {
  switch (report.trouble) {
    case Trouble::load_failure:
      return "cannot load the application: " + worker.failure->summary;
    case Trouble::boot_timeout:
      return "was not ready within " + in_words(boot_timeout) + " (--boot-timeout)";
    case Trouble::hang_up_before_ready:
      return "closed the channel to its supervisor before it was ready";
    case Trouble::hang_up:
      return "closed the channel to its supervisor, which it did not open, and cannot be told "
             "anything any more";
    case Trouble::leaving:
      return "leaves by itself, for a SIGTERM or an error of its own";
    case Trouble::death_before_ready:
    case Trouble::death:
      break;
  }
  return how_it_ended(report, worker);
}

bool is_verdict(Consequence consequence) {
  return consequence == Consequence::end || consequence == Consequence::wait ||
         consequence == Consequence::discard || consequence == Consequence::halt;
}

std::string describe(const action::Report& report, const WorkerDescription& worker,
                     std::chrono::milliseconds boot_timeout) {
  const bool died =
      report.trouble == Trouble::death || report.trouble == Trouble::death_before_ready;
  return worker.name() + " " +
         (died ? how_it_ended(report, worker, perhaps_because(worker.end))
               : what_happened(report, worker, boot_timeout)) +
         what_follows(report, worker);
}

std::string words_of_lost(std::vector<ListedRequest> running,
                          std::chrono::steady_clock::time_point now) {
  constexpr std::size_t kMost = 5;
  std::ranges::sort(running, std::ranges::greater{}, &ListedRequest::began);
  const std::size_t named = std::min(running.size(), kMost);
  std::string words;
  for (const ListedRequest& each : std::span{running}.first(named)) {
    if (!words.empty()) words += ", ";
    words += valid_utf8(each.method + " " + each.path) + (each.path_cut ? "..." : "") + " from " +
             valid_utf8(each.client) + " (for " + in_seconds(now - each.began) + ")";
  }
  const std::size_t more = running.size() - named;
  if (more > 0)
    words += " and " + std::to_string(more) + (more == 1 ? " more request" : " more requests");
  return words;
}

std::string traceback_of(const action::Report& report, const WorkerDescription& worker) {
  return report.trouble == Trouble::load_failure ? worker.failure->traceback : "";
}

void log_replacement(const Log& log, const action::Replacing& replacing,
                     const WorkerDescription& worker) {
  const std::string line = worker.name() + ": " + what_happened(replacing, worker) +
                           "; it is being replaced" + option_of(replacing.reason);
  if (replacing.reason == ReplaceReason::overdue) return log.warning(line);
  log.info(line);
}

}  // namespace spawning
