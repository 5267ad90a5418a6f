// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A worker process as its supervisor sees it.

#include <signal.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/message.hpp"
#include "spawning/asio.hpp"
#include "spawning/control_channel.hpp"
#include "spawning/log.hpp"
#include "supervise/child_process.hpp"

namespace spawning {

/// What a worker process is started with. \see Seat
struct WorkerStart {
  unsigned slot = 0;
  std::uint64_t generation = 0;
  int scoreboard = -1;
  std::vector<int> listeners;
  int console = -1;
  std::vector<std::string> command;
  std::vector<std::string> environment;
  std::string directory;  ///< \see ChildCommand
  LogOptions log;
};

/// One worker process and the channel to it.
///
/// \par Threads   Everything runs on the thread that runs the context.
/// \par Lifetime  The context outlives it. The destructor kills a worker that still runs. No
///                callback is called after the destructor has begun.
class WorkerHandle {
 public:
  struct Callbacks {
    /// What it says, its last words included, and the descriptors that come with it.
    std::function<void(control::Message&&, std::vector<UniqueFd>)> said;
    std::function<void()> hung_up;  ///< its end of the channel is closed; usually it has ended too
    std::function<void(ExitStatus)> ended;  ///< once, the last; may destroy *this
  };

  /// What execve(2) leaves of a worker that its supervisor does not lose.
  struct Remains {
    pid_t pid = 0;
    ControlChannel::Remains channel{};
    bool explaining = false;  ///< it is about to be killed
  };

  /// Starts the process and gives it its seat. \throws std::system_error if it cannot be started.
  WorkerHandle(IoContext& context, const WorkerStart& start, Callbacks callbacks);
  /// Goes on with the worker of another WorkerHandle, in the program that this process ran before.
  /// What that worker was to explain is not waited for.
  /// \throws std::system_error if it is no child.
  WorkerHandle(IoContext& context, const Remains& remains, Callbacks callbacks);
  ~WorkerHandle();

  WorkerHandle(const WorkerHandle&) = delete;
  WorkerHandle& operator=(const WorkerHandle&) = delete;

  [[nodiscard]] pid_t pid() const { return process_->pid(); }
  [[nodiscard]] Remains remains() const;
  void say(const control::Message& message) { channel_->send(control::encode(message)); }
  void pass(const control::Connections& connections, std::vector<UniqueFd> sockets) {
    channel_->send(control::encode(connections), std::move(sockets));
  }
  /// \param file  duplicated. \throws std::system_error if it cannot be.
  void give_access_log(int file);
  /// Those of this process that the message names. \throws std::system_error as above.
  void give_streams(const control::StandardStreams& streams);
  [[nodiscard]] bool hung_up() const { return hung_up_; }  ///< nothing can be said to it
  void ask_to_end() { process_->signal(SIGTERM); }
  void kill() { process_->kill(); }
  void kill_group() { process_->kill_group(); }

  /// Lets it log what it is doing, and then kills it: a second later, whatever it does.
  void kill_once_explained();

 private:
  [[nodiscard]] ControlChannel::Callbacks channel_callbacks();
  void hear(std::string_view line, std::vector<UniqueFd> descriptors);
  void end(ExitStatus status);

  struct Patience;

  IoContext& context_;
  Callbacks callbacks_;
  std::shared_ptr<Patience> patience_;  // once it is to explain itself
  bool hung_up_ = false;
  std::optional<ControlChannel> channel_;
  std::optional<ChildProcess> process_;
};

}  // namespace spawning
