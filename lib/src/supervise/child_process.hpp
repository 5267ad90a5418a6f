// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Starting a program and learning how it ended.

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spawning/asio.hpp"
#include "spawning/user_identity.hpp"

namespace spawning {

/// How a process ended, as wait(2) says it.
struct ExitStatus {
  int native = 0;

  [[nodiscard]] bool success() const { return native == 0; }
  /// "exited with status 3", "was killed by SIGSEGV (core dumped)".
  [[nodiscard]] std::string to_string() const;
};

/// What to start.
struct ChildCommand {
  std::vector<std::string> arguments;  ///< the program's path first; no search in $PATH
  std::vector<std::string>
      environment;  ///< "NAME=VALUE" in place of this process's of that name; "NAME": none of it
  std::vector<int> descriptors;        ///< become 3, 4, 5 … in the child
  std::string directory{};             ///< it works there; "": where this process does
  int output = -1;                     ///< becomes its stdout; -1: ours
  std::optional<UserIdentity> user{};  ///< whose rights it has; none: ours
};

/// A running child process.
///
/// It inherits stdout, unless it gets another one, and stderr, /dev/null as stdin, the given descriptors, and nothing else;
/// signals as a fresh process has them, except that it ignores SIGINT, SIGQUIT and SIGHUP: what a
/// terminal sends concerns only the supervisor. It leads a process group of its own, and ignores
/// SIGTTOU, so that it may write to a terminal all the same.
///
/// \par Threads   Everything runs on the thread that runs the context.
/// \par Lifetime  The context outlives it. The destructor kills a child that still runs and waits
/// for it.
class ChildProcess {
 public:
  /// \param ended  called once, never from inside; not after the destructor has begun. May destroy
  /// *this. \throws std::system_error if the program cannot be executed, or not there; nothing is left then.
  ChildProcess(IoContext& context, const ChildCommand& command,
               std::function<void(ExitStatus)> ended);
  /// Goes on with a child that the program which this process ran before has started; it may have
  /// ended meanwhile. \throws std::system_error if `pid` is no child of this process.
  ChildProcess(IoContext& context, pid_t pid, std::function<void(ExitStatus)> ended);
  ~ChildProcess();

  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const;

  /// Sends it, unless it has ended already.
  void signal(int number);
  void kill();  ///< SIGKILL

  /// …also to what it has started and is still there, even if it has ended itself. Not to what has
  /// left its process group, as daemons do.
  void kill_group() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace spawning
