// SPDX-License-Identifier: MIT
#include "worker/relief.hpp"

#include <algorithm>
#include <utility>

namespace spawning {
namespace {

using std::chrono::milliseconds, std::chrono::seconds, std::chrono::steady_clock;

// Between two looks while requests wait: after some were passed on, and then twice as long each
// time, up to kPatience; while there are no siblings.
constexpr milliseconds kAgain{1};
constexpr seconds kAlone{1};

}  // namespace

void Relief::request_waits() {
  if (!looking_) look_at(steady_clock::now() + kPatience);
}

void Relief::stop() {
  stopped_ = true;
  timer_.cancel();
}

void Relief::look_at(Time when) {
  if (stopped_) return;
  looking_ = true;
  timer_.expires_at(when);
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    looking_ = false;
    look();
  });
}

void Relief::look() {
  const std::uint64_t completed = pool_.completed();
  const bool stuck = std::exchange(completed_, completed) == completed;
  const auto waiting_since = pool_.waiting_since();
  if (!waiting_since) return;
  const auto now = steady_clock::now();
  if (now < *waiting_since + kPatience) return look_at(*waiting_since + kPatience);
  const auto free = siblings_.free();
  if (!free.anybody_serves) return look_at(now + kAlone);
  pause_ = pass_on(free, stuck, now - kPatience) ? kAgain : std::min(2 * pause_, kPatience);
  look_at(now + pause_);
}

bool Relief::pass_on(const Siblings::Free& free, bool stuck, Time waiting_since) {
  if (free.slots.empty()) return false;
  takers_ = free.slots;
  auto taken =
      pool_.take_back(requests_to_pass_on(pool_.queued(), free, stuck),
                      [waiting_since](const Request& request, const Responder& responder) {
                        return request.received <= waiting_since && responder.can_pass_on();
                      });
  for (Responder& each : taken) each.pass_on();
  return !taken.empty();
}

void Relief::look_around(Server& server) {
  if (!looking_) look();  // a thread that was on its way to the queue may have been held up
  auto surplus = siblings_.surplus();
  if (surplus.connections == 0) return;
  takers_ = std::move(surplus.to);
  server.move_away(surplus.connections);
}

}  // namespace spawning
