// SPDX-License-Identifier: MIT
/// \file
/// A client in a process of its own, for who counts instructions: each request finds its server at rest.
///
/// usage: request_client SOCKET PID REQUEST
///
/// For each line on standard input, a number, it sends REQUEST so many times over the connected SOCKET, a
/// descriptor, and then says so by an empty line. After an answer it waits until every thread of the
/// server, PID, sleeps: else it would depend on the machine's other work what a thread still does when the
/// next request comes, and what it is spared.

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "spawning/error.hpp"

namespace spawning::bench {
namespace {

constexpr std::chrono::microseconds kBetweenLooks{50};

// How often the threads of a process have been off a processor so far; nothing if one of them is not.
std::optional<std::uint64_t> switches_of_sleepers(const std::string& tasks) {
  std::uint64_t switches = 0;
  for (const auto& task : std::filesystem::directory_iterator{tasks}) {
    std::ifstream status{task.path() / "status"};
    for (std::string line; std::getline(status, line);) {
      const std::size_t colon = line.find(":\t");
      if (colon == std::string::npos) continue;
      const std::string_view value = std::string_view{line}.substr(colon + 2);
      if (line.starts_with("State:") && !value.starts_with('S')) return std::nullopt;
      if (line.find("ctxt_switches") == std::string::npos) continue;
      std::uint64_t count = 0;
      std::from_chars(value.data(), value.data() + value.size(), count);
      switches += count;
    }
  }
  return switches;
}

// Asleep at two looks, and not awake in between.
void wait_until_at_rest(const std::string& tasks) {
  std::optional<std::uint64_t> before;
  for (;;) {
    const auto now = switches_of_sleepers(tasks);
    if (now && now == before) return;
    before = now;
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

void send_all(int socket, std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t sent = ::send(socket, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent < 0) throw_last_error("send");
    octets.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// Whether there was any.
bool take_what_is_there(int socket) {
  static std::array<char, 1 << 20> octets;
  const ssize_t count = ::recv(socket, octets.data(), octets.size(), MSG_DONTWAIT);
  if (count == 0) throw std::runtime_error{"the server has closed the connection"};
  return count > 0;
}

void ask(int socket, const std::string& tasks, std::string_view request) {
  send_all(socket, request);
  pollfd answer{socket, POLLIN, 0};
  if (::poll(&answer, 1, -1) < 0) throw_last_error("poll");
  do {
    wait_until_at_rest(tasks);
  } while (take_what_is_there(socket));
}

}  // namespace
}  // namespace spawning::bench

int main(int count, char** arguments) {
  if (count != 4) return 2;
  const int socket = std::stoi(arguments[1]);
  const std::string tasks = std::string{"/proc/"} + arguments[2] + "/task";
  for (int times = 0; std::cin >> times;) {
    for (int i = 0; i < times; ++i) spawning::bench::ask(socket, tasks, arguments[3]);
    std::cout << '\n' << std::flush;
  }
}
