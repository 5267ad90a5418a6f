// SPDX-License-Identifier: MIT
#include "worker/io_thread.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <utility>

namespace spawning {
namespace {

// When octets arrive while an application thread runs, let it run on: the I/O thread then finds more of
// them at once, and both switch less. A fifth more requests a second; docs/decisions/0003. Its share of
// the processor stays what it is. A preference: where it cannot be had, nothing else changes.
void prefer_not_to_preempt(std::thread& thread) {
  const sched_param normal{};
  static_cast<void>(::pthread_setschedparam(thread.native_handle(), SCHED_BATCH, &normal));
}

}  // namespace

std::thread start_io_thread(std::function<void()> body) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread{std::move(body)};
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), "spawning-io");
  prefer_not_to_preempt(thread);
  return thread;
}

}  // namespace spawning
