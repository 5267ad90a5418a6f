// SPDX-License-Identifier: MIT
#include "supervise/worker_health.hpp"

#include <utility>

namespace spawning {

bool WorkerHealth::look(std::span<const WorkerProgress> serving) {
  bool healthy = false;
  std::map<WorkerId, std::uint64_t> answers;
  for (const WorkerProgress& each : serving) {
    const auto before = answers_.find(each.worker);
    healthy |= each.queued == 0 || before == answers_.end() || before->second != each.answers;
    answers.emplace(each.worker, each.answers);
  }
  answers_ = std::move(answers);
  return healthy;
}

}  // namespace spawning
