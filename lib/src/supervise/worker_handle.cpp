// SPDX-License-Identifier: MIT
#include "supervise/worker_handle.hpp"

#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

#include "base/descriptor_table.hpp"
#include "spawning/error.hpp"
#include "spawning/seat.hpp"

namespace spawning {
namespace {

ChildCommand command_for(const WorkerStart& start, int control) {
  ChildCommand command{
      start.command, start.environment, {control, start.scoreboard}, start.directory};
  const bool console = start.console >= 0;
  command.environment.push_back("SPAWNING_SEAT=" + Seat::describe(start.slot, start.generation,
                                                                  start.listeners.size(), start.log,
                                                                  console));
  command.descriptors.insert(command.descriptors.end(), start.listeners.begin(),
                             start.listeners.end());
  if (console) command.descriptors.push_back(start.console);
  return command;
}

static_assert(Seat::kControlFd == 3 && Seat::kScoreboardFd == 4 && Seat::kFirstListenerFd == 5,
              "the order of descriptors in command_for");

// Writing down a hundred stacks takes milliseconds; a machine in distress may need longer.
constexpr std::chrono::seconds kPatience{1};

}  // namespace

struct WorkerHandle::Patience {
  explicit Patience(boost::asio::steady_timer t) : timer{std::move(t)} {}
  boost::asio::steady_timer timer;
};

WorkerHandle::WorkerHandle(IoContext& context, const WorkerStart& start, Callbacks callbacks)
    : context_{context}, callbacks_{std::move(callbacks)} {
  auto [ours, theirs] = ControlChannel::make_pair();
  process_.emplace(context, command_for(start, theirs.get()),
                   [this](ExitStatus status) { end(status); });
  channel_.emplace(context, std::move(ours), channel_callbacks());
}

WorkerHandle::WorkerHandle(IoContext& context, const Remains& remains, Callbacks callbacks)
    : context_{context}, callbacks_{std::move(callbacks)}, hung_up_{remains.channel.socket < 0} {
  process_.emplace(context, remains.pid, [this](ExitStatus status) { end(status); });
  channel_.emplace(context, remains.channel, channel_callbacks());
  if (remains.explaining) kill();
}

WorkerHandle::~WorkerHandle() = default;

ControlChannel::Callbacks WorkerHandle::channel_callbacks() {
  return {[this](std::string_view line, std::vector<UniqueFd> descriptors) {
            hear(line, std::move(descriptors));
          },
          [this] {
            hung_up_ = true;
            if (patience_) kill();
            callbacks_.hung_up();
          }};
}

WorkerHandle::Remains WorkerHandle::remains() const {
  return {pid(), channel_->remains(), patience_ != nullptr};
}

void WorkerHandle::give_access_log(int file) {
  std::vector<UniqueFd> copies;
  copies.push_back(copy_of(file));
  channel_->send(control::encode(control::AccessLogFile{}), std::move(copies));
}

void WorkerHandle::give_streams(const control::StandardStreams& streams) {
  std::vector<UniqueFd> copies;
  if (streams.output) copies.push_back(copy_of(STDOUT_FILENO));
  if (streams.errors) copies.push_back(copy_of(STDERR_FILENO));
  channel_->send(control::encode(streams), std::move(copies));
}

void WorkerHandle::kill_once_explained() {
  if (hung_up_) return kill();
  if (patience_) return;
  patience_ = std::make_shared<Patience>(boost::asio::steady_timer{context_, kPatience});
  // When the timer has run out it may have ended, and *this with it, before this is called.
  patience_->timer.async_wait(
      [this, alive = std::weak_ptr{patience_}](boost::system::error_code error) {
        if (!error && !alive.expired()) kill();
      });
  say(control::Explain{});
}

// What a newer worker says and we do not know is no reason to end it.
void WorkerHandle::hear(std::string_view line, std::vector<UniqueFd> descriptors) {
  auto message = control::decode(line);
  if (!message) return;
  if (patience_ && std::holds_alternative<control::Explained>(*message)) return kill();
  callbacks_.said(std::move(*message), std::move(descriptors));
}

void WorkerHandle::end(ExitStatus status) {
  channel_->receive_now();  // the loop may learn of the exit before it learns of the last words
  const auto ended = std::move(callbacks_.ended);
  ended(status);
}

}  // namespace spawning
