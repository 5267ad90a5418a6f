// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Another program in the place of this one, in the same process.

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "spawning/asio.hpp"
#include "spawning/unique_fd.hpp"
#include "supervise/child_process.hpp"
#include "supervise/supervisor_remains.hpp"

namespace spawning {

/// A program as it was invoked.
struct Program {
  /// Its name first: a path if there is a slash in it, else looked up in $PATH, each time anew.
  std::vector<std::string> command;
  std::string directory;  ///< where it starts, resolved each time anew; "": where this process is
};

/// Anonymous memory that nobody can change any more. \throws std::system_error
[[nodiscard]] UniqueFd sealed_memory(std::string_view content);

/// What is in it. \throws StartupError if `fd` is none.
[[nodiscard]] std::string read_sealed_memory(int fd);

/// Lets a program prove, as a child, that it starts, and understands what it would be left.
///
/// \par Threads   Everything runs on the thread that runs the context.
/// \par Lifetime  The context outlives it. The destructor ends a trial that is under way; `judged`
///                is not called after it has begun.
class Trial {
 public:
  /// \param remains   of which it gets the text, and the scoreboard to look at.
  /// \param patience  after which the program has failed.
  /// \param judged    called once, never from inside, with what went wrong: "exited with status 3";
  ///                  "" if nothing did. May destroy *this.
  /// \throws std::system_error if the program cannot be executed.
  Trial(IoContext& context, const Program& program, const WrittenRemains& remains,
        std::chrono::milliseconds patience, std::function<void(const std::string&)> judged);

  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  [[nodiscard]] pid_t pid() const { return child_->pid(); }

 private:
  void end(ExitStatus exit);

  const std::function<void(const std::string&)> judged_;
  const std::shared_ptr<std::string> overdue_ = std::make_shared<std::string>();  // if it was
  std::optional<ChildProcess> child_;
  boost::asio::steady_timer timer_;
};

/// Executes the program in place of this one. What it is left stays open, and nothing else does.
/// Returns only if that is impossible; then nothing has changed. \returns why. \see execve(2)
[[nodiscard]] std::error_code execute(const Program& program, const WrittenRemains& remains);

}  // namespace spawning
