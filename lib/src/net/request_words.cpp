// SPDX-License-Identifier: MIT
#include "net/request_words.hpp"

#include <array>
#include <cstdio>

#include "base/in_seconds.hpp"
#include "spawning/address.hpp"

namespace spawning {
namespace {

std::string name_of(pthread_t thread) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "0x%016lx", static_cast<unsigned long>(thread));
  return text.data();
}

}  // namespace

std::string describe(const RunningRequest& request) {
  std::string text{request.method};
  text.append(" ").append(request.target);
  if (request.client != nullptr) text += " from " + request.client->to_string();
  return text + ", on thread " + name_of(request.thread);
}

std::string words_of_loss(const RunningRequest& request) {
  return "a request still runs after " + in_seconds(request.running) + ": " + describe(request) +
         ", and is lost";
}

}  // namespace spawning
