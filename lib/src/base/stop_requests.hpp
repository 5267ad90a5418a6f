// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Signals to stop, of which a second one is impatient.

#include <chrono>
#include <optional>

namespace spawning {

/// Whether a signal that asks a service to stop asks for it a second time. One that comes within half
/// a second of the first does not: a terminal or `timeout` sends its signal to all processes of a
/// group, and whoever has started the service passes on what it got.
///
/// \par Threads  A value; one thread at a time.
class StopRequests {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class Kind { first, same, again };

  static constexpr std::chrono::milliseconds kSame{500};

  /// To be told again when the first has been acted on: whatever that took, its twin has come by then.
  void acted(Time now) { first_ = now; }

  Kind note(Time now) {
    if (!first_) {
      first_ = now;
      return Kind::first;
    }
    return now - *first_ < kSame ? Kind::same : Kind::again;
  }

 private:
  std::optional<Time> first_;
};

}  // namespace spawning
