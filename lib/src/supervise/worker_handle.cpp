// SPDX-License-Identifier: MIT
#include "supervise/worker_handle.hpp"

#include <utility>

#include "spawning/seat.hpp"

namespace spawning {
namespace {

ChildCommand command_for(const WorkerStart& start, int control) {
  ChildCommand command{start.command, start.environment, {control, start.scoreboard}};
  command.environment.push_back(
      "SPAWNING_SEAT=" + Seat::describe(start.slot, start.generation, start.listeners.size()));
  command.descriptors.insert(command.descriptors.end(), start.listeners.begin(),
                             start.listeners.end());
  return command;
}

static_assert(Seat::kControlFd == 3 && Seat::kScoreboardFd == 4 && Seat::kFirstListenerFd == 5,
              "the order of descriptors in command_for");

}  // namespace

WorkerHandle::WorkerHandle(IoContext& context, const WorkerStart& start, Callbacks callbacks)
    : callbacks_{std::move(callbacks)} {
  auto [ours, theirs] = ControlChannel::make_pair();
  process_.emplace(context, command_for(start, theirs.get()),
                   [this](ExitStatus status) { end(status); });
  channel_.emplace(
      context, std::move(ours),
      ControlChannel::Callbacks{[this](std::string_view line, std::vector<UniqueFd> descriptors) {
                                  hear(line, std::move(descriptors));
                                },
                                [this] { callbacks_.hung_up(); }});
}

// What a newer worker says and we do not know is no reason to end it.
void WorkerHandle::hear(std::string_view line, std::vector<UniqueFd> descriptors) const {
  if (auto message = control::decode(line))
    callbacks_.said(std::move(*message), std::move(descriptors));
}

void WorkerHandle::end(ExitStatus status) {
  channel_->receive_now();  // the loop may learn of the exit before it learns of the last words
  const auto ended = std::move(callbacks_.ended);
  ended(status);
}

}  // namespace spawning
