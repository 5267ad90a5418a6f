// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Telling the service manager how the service is.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "spawning/asio.hpp"
#include "spawning/log.hpp"
#include "spawning/service_manager.hpp"

namespace spawning {

/// Says what the manager wants to hear, and nothing if there is none. What cannot be said is a
/// warning, once.
///
/// \par Threads   Everything runs on the thread that runs the context.
/// \par Lifetime  The context and `log` outlive it. `healthy` is not called after the destructor
///                has begun.
/// \see sd_notify(3)
class ServiceNotifier {
 public:
  /// \param healthy  asked twice in the time of the watchdog, which is fed if it answers true.
  ServiceNotifier(IoContext& context, ServiceManager manager, const Log& log,
                  std::function<bool()> healthy);
  ~ServiceNotifier();

  ServiceNotifier(const ServiceNotifier&) = delete;
  ServiceNotifier& operator=(const ServiceNotifier&) = delete;

  /// It serves; also: it goes on after a reload, well done or not, as `status` says in a line.
  void ready(std::string_view status);
  /// Until ready().
  void reloading();
  void stopping();
  /// Feeds the watchdog, if there is one, out of turn.
  void alive();

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the timer's handler
};

}  // namespace spawning
