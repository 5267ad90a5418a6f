// SPDX-License-Identifier: MIT
#include "spawning/seat.hpp"

#include <fcntl.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "spawning/error.hpp"

namespace spawning {
namespace {

constexpr const char* kVariable = "SPAWNING_SEAT";
constexpr std::size_t kMostListeners =
    256;  // a bound for what comes from outside; nobody has that many

[[noreturn]] void throw_malformed(const std::string& value) {
  throw StartupError{
      "SPAWNING_SEAT is \"" + value +
      "\"; expected \"slot=N generation=N listeners=N [console=1]\" from a supervisor"};
}

// Takes "name=123" and a blank or the end off the front of `text`.
template <typename Number>
bool take_field(std::string_view& text, std::string_view name, Number& number) {
  if (!text.starts_with(name) || text.substr(name.size(), 1) != "=") return false;
  text.remove_prefix(name.size() + 1);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.empty()) return true;
  if (text.front() != ' ') return false;
  text.remove_prefix(1);
  return true;
}

void require_open(int fd) {
  if (::fcntl(fd, F_GETFD) < 0) {
    throw StartupError{"SPAWNING_SEAT promises descriptor " + std::to_string(fd) +
                       ", which is not open"};
  }
}

UniqueFd adopt(int fd) {
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) throw_last_error("fcntl(F_SETFD)");
  return UniqueFd{fd};
}

}  // namespace

std::string Seat::describe(unsigned slot, std::uint64_t generation, std::size_t listeners,
                           bool console) {
  return "slot=" + std::to_string(slot) + " generation=" + std::to_string(generation) +
         " listeners=" + std::to_string(listeners) + (console ? " console=1" : "");
}

std::optional<Seat> Seat::take() {
  const char* variable = std::getenv(kVariable);
  if (variable == nullptr) return std::nullopt;
  const std::string value{variable};
  if (::unsetenv(kVariable) != 0) throw_last_error("unsetenv");

  Seat seat;
  std::size_t listeners = 0;
  unsigned consoles = 0;
  std::string_view text{value};
  if (!take_field(text, "slot", seat.slot) || !take_field(text, "generation", seat.generation) ||
      !take_field(text, "listeners", listeners) || listeners > kMostListeners ||
      (!text.empty() && !take_field(text, "console", consoles)) || !text.empty() || consoles > 1) {
    throw_malformed(value);
  }
  const int console = kFirstListenerFd + static_cast<int>(listeners);
  const int end = console + static_cast<int>(consoles);
  for (int fd = kControlFd; fd < end; ++fd)
    require_open(fd);  // all before any: a failure closes nothing

  seat.control = adopt(kControlFd);
  seat.scoreboard = adopt(kScoreboardFd);
  for (int fd = kFirstListenerFd; fd < console; ++fd) seat.listeners.push_back(adopt(fd));
  if (consoles > 0) seat.console = adopt(console);
  return seat;
}

}  // namespace spawning
