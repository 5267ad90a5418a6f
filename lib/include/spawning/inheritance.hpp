// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a supervisor leaves to the program that takes its place.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spawning/export.hpp"
#include "spawning/listening_socket.hpp"
#include "spawning/pidfile.hpp"
#include "spawning/unique_fd.hpp"

namespace SPAWNING_EXPORT spawning {

struct SPAWNING_PRIVATE SupervisorRemains;

/// The sockets, workers and counters of a Supervisor that has executed this program in its place,
/// in the same process; or in a child of it, on trial.
///
/// On trial a program does all that it would do, touches nothing, and exits with kTrialPassed.
///
/// \par Threads  A value that can be moved; one thread at a time.
/// \see SupervisorConfig::restart_command
class Inheritance {
 public:
  /// An exit status that no program has by accident.
  static constexpr int kTrialPassed = 42;

  /// Takes what that supervisor has left, close-on-exec.
  /// \param restart_args  what it put behind `-z`.
  /// \throws StartupError that says what is wrong, if they are not from such a supervisor; then
  ///         nothing is touched.
  explicit Inheritance(const std::string& restart_args);
  Inheritance(Inheritance&& other) noexcept;
  Inheritance& operator=(Inheritance&& other) noexcept;
  ~Inheritance();

  [[nodiscard]] bool on_trial() const { return on_trial_; }

  /// The listening sockets, in their order. Once.
  [[nodiscard]] std::vector<ListeningSocket> take_listeners();

  /// The status server's; empty if there is none. Once.
  [[nodiscard]] UniqueFd take_status_socket();

  /// The console's, if there is one. Once.
  [[nodiscard]] std::optional<ListeningSocket> take_console();

  /// None if it had none. Once.
  [[nodiscard]] std::optional<Pidfile> take_pidfile();

 private:
  friend class Supervisor;

  bool on_trial_ = false;
  std::unique_ptr<SupervisorRemains> remains_;
};

}  // namespace spawning
