// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Threads of the library in processes of others.

#include <pthread.h>
#include <signal.h>

#include <functional>
#include <thread>
#include <utility>

namespace spawning {

/// Blocks every signal on this thread, until it ends.
class WithoutSignals {
 public:
  WithoutSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~WithoutSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  WithoutSignals(const WithoutSignals&) = delete;
  WithoutSignals& operator=(const WithoutSignals&) = delete;

 private:
  sigset_t before_{};
};

/// Runs `body` on a thread of that name, of 15 octets at most. It takes no signals: they are the
/// program's and its main thread's business. \throws std::system_error
[[nodiscard]] inline std::thread start_quiet_thread(const char* name, std::function<void()> body) {
  const WithoutSignals guard;
  std::thread thread{std::move(body)};
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

}  // namespace spawning
