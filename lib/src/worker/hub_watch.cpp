// SPDX-License-Identifier: MIT
#include "worker/hub_watch.hpp"

#include "base/in_seconds.hpp"
#include "net/request_words.hpp"

namespace spawning {

bool HubWatch::look(Time now) {
  if (limit_.count() == 0) {
    if (pool_.queued() > 0) pool_.ask_for_a_sign();
    return false;
  }
  const Duration silence = pool_.silent_for(now);
  if (stalled_ && silence < limit_) {
    stalled_ = false;
    log_.warning("the hub gets on again, after " + in_seconds(now - since_));
  }
  if (!stalled_ && silence >= limit_) {
    stalled_ = true;
    since_ = now - silence;
    stalls_.fetch_add(1, std::memory_order_relaxed);
    if (on_stall_) on_stall_(silence);
  }
  if (pool_.running() > 0 || pool_.queued() > 0 || silence.count() > 0) pool_.ask_for_a_sign();
  return stalled_;
}

}  // namespace spawning
