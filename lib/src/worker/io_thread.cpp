// SPDX-License-Identifier: MIT
#include "worker/io_thread.hpp"

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace spawning {
std::thread start_io_thread(std::function<void()> body) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread{std::move(body)};
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), "spawning-io");
  return thread;
}

}  // namespace spawning
