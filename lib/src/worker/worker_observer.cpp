// SPDX-License-Identifier: MIT
#include "worker/worker_observer.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <string>

#include "spawning/address.hpp"

namespace spawning {
namespace {

// "30.0 s"
std::string in_seconds(std::chrono::steady_clock::duration time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f s", std::chrono::duration<double>{time}.count());
  return text.data();
}

// As Python's faulthandler writes it above the stack of the thread.
std::string name_of(pthread_t thread) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "0x%016lx", static_cast<unsigned long>(thread));
  return text.data();
}

}  // namespace

void WorkerObserver::request_overdue(const OverdueRequest& request) {
  std::string line = "a request runs for " + in_seconds(request.running) + " already: ";
  line.append(request.method).append(" ").append(request.target);
  if (request.client != nullptr) line += " from " + request.client->to_string();
  log_.warning(line + ", on thread " + name_of(request.thread));
  overdue_(request);
}

}  // namespace spawning
