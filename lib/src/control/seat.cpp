// SPDX-License-Identifier: MIT
#include "spawning/seat.hpp"

#include <fcntl.h>

#include <algorithm>
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
  throw StartupError{"SPAWNING_SEAT is \"" + value +
                     "\"; expected \"slot=N generation=N listeners=N\", perhaps \"log_level=LEVEL "
                     "log_format=FORMAT [console=1]\" behind it, from a supervisor"};
}

// Takes "name=value" and a blank or the end off the front of `text`. Empty if it is not there.
std::optional<std::string_view> take_field(std::string_view& text, std::string_view name) {
  if (!text.starts_with(name) || text.substr(name.size(), 1) != "=") return std::nullopt;
  text.remove_prefix(name.size() + 1);
  const std::string_view value = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(value.size() + 1, text.size()));
  return value;
}

template <typename Number>
bool take_number(std::string_view& text, std::string_view name, Number& number) {
  const auto value = take_field(text, name);
  if (!value) return false;
  const char* const end = value->data() + value->size();
  const auto [stop, error] = std::from_chars(value->data(), end, number);
  return error == std::errc{} && stop == end;
}

bool take_log_options(std::string_view& text, LogOptions& log) {
  if (text.empty()) return true;
  const auto level = log_level_named(take_field(text, "log_level").value_or(""));
  const auto style = log_style_named(take_field(text, "log_format").value_or(""));
  if (!level || !style) return false;
  log = {*level, *style};
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
                           const LogOptions& log, bool console) {
  std::string text = "slot=" + std::to_string(slot) + " generation=" + std::to_string(generation) +
                     " listeners=" + std::to_string(listeners);
  text.append(" log_level=").append(to_string(log.threshold));
  text.append(" log_format=").append(to_string(log.style));
  return text.append(console ? " console=1" : "");
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
  if (!take_number(text, "slot", seat.slot) || !take_number(text, "generation", seat.generation) ||
      !take_number(text, "listeners", listeners) || listeners > kMostListeners ||
      !take_log_options(text, seat.log) ||
      (!text.empty() && !take_number(text, "console", consoles)) || !text.empty() || consoles > 1) {
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
