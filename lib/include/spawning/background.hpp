// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Going on in the background, once it is known whether that goes well.

#include "spawning/export.hpp"
#include "spawning/log.hpp"
#include "spawning/unique_fd.hpp"

namespace SPAWNING_EXPORT spawning {

/// Opens /dev/null in place of each of standard input, output and error that is closed, as whoever
/// starts daemons may leave them: what is opened next must not take their place.
/// \throws std::system_error
void open_standard_streams();

/// What a process in the background has to say to the one in the foreground, which waits for it.
///
/// \par Threads  A value that can be moved; one thread at a time.
class Background {
 public:
  /// There is nobody in the foreground.
  Background() = default;

  /// Goes on in a child, in a session of its own, without a terminal, with /dev/null as standard
  /// input; standard output and error stay the caller's. The calling process stays in the foreground
  /// and never returns. It ends
  ///  - with status 0 once the child calls serves();
  ///  - with the child's status, if the child ends before it does; if that is 0, or it was killed, with 1,
  ///    and `log` has it.
  /// SIGINT, SIGTERM, SIGHUP and SIGQUIT, as from somebody who does not want to wait any more, are
  /// passed on to the child, the first three as SIGTERM.
  /// \throws std::system_error if that is impossible; in the calling process, with no child.
  /// \par Threads  Called when there is only one.
  static Background enter(const Log& log);

  /// Whether somebody waits in the foreground.
  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(foreground_); }

  /// Lets the process in the foreground end well. Does nothing the second time, or if it has gone.
  void serves();

 private:
  explicit Background(UniqueFd foreground);

  UniqueFd foreground_;
};

}  // namespace spawning
