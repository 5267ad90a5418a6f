// SPDX-License-Identifier: MIT
#include "base/scheduling.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace spawning {
namespace {

// Threads ask for turns of so many nanoseconds. Who asks for short ones gets them sooner.
constexpr std::uint64_t kShortTurn = 100'000;
constexpr std::uint64_t kUsualTurn = 0;

constexpr std::uint64_t kResetOnFork = 1;  // SCHED_FLAG_RESET_ON_FORK

// The first version of the kernel's struct sched_attr, which older C libraries do not have.
struct Attributes {
  std::uint32_t size;
  std::uint32_t policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime, deadline, period;
};

}  // namespace

void prefer(Scheduling scheduling) {
  Attributes wanted{};
  if (::syscall(SYS_sched_getattr, 0, &wanted, sizeof wanted, 0) != 0) return;
  if (wanted.policy != SCHED_OTHER && wanted.policy != SCHED_BATCH)
    return;                     // somebody knows better
  if (wanted.nice < 0) return;  // what is started would lose it by kResetOnFork
  const bool prompt = scheduling == Scheduling::prompt;
  wanted.size = sizeof wanted;
  wanted.policy = prompt ? SCHED_OTHER : SCHED_BATCH;
  wanted.flags |= kResetOnFork;
  wanted.runtime = prompt ? kShortTurn : kUsualTurn;
  [[maybe_unused]] const long ignored = ::syscall(SYS_sched_setattr, 0, &wanted, 0);
}

}  // namespace spawning
