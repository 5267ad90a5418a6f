// SPDX-License-Identifier: MIT
#include "spawning/background.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "spawning/error.hpp"

namespace spawning {
namespace {

constexpr char kServes = '!';

sigset_t signals_to_pass_on() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::sigaddset(&set, signal);
  return set;
}

// Signals held back as long as this lives.
class Blocked {
 public:
  explicit Blocked(const sigset_t& set) {
    if (::sigprocmask(SIG_BLOCK, &set, &before_) != 0) throw_last_error("sigprocmask");
  }
  ~Blocked() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

  Blocked(const Blocked&) = delete;
  Blocked& operator=(const Blocked&) = delete;

 private:
  sigset_t before_{};
};

void pass_on(int signals, pid_t child) {
  signalfd_siginfo signal{};
  if (::read(signals, &signal, sizeof signal) != sizeof signal) return;
  ::kill(child, signal.ssi_signo == SIGQUIT ? SIGQUIT : SIGTERM);
}

// Whether the child says that it serves, before it ends.
bool hears_that_it_serves(int background, int signals, pid_t child) {
  for (;;) {
    std::array<pollfd, 2> polled{{{background, POLLIN, 0}, {signals, POLLIN, 0}}};
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return false;
    if (polled[1].revents != 0) pass_on(signals, child);
    if (polled[0].revents == 0) continue;
    char said = 0;
    return ::read(background, &said, 1) == 1 && said == kServes;
  }
}

// Nothing of this process but its status is of any use from here on: no destructor runs.
[[noreturn]] void stay_in_the_foreground(int background, int signals, pid_t child, const Log& log) {
  if (hears_that_it_serves(background, signals, child)) ::_exit(EXIT_SUCCESS);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFEXITED(status) && WEXITSTATUS(status) != EXIT_SUCCESS) ::_exit(WEXITSTATUS(status));
  log.error("the process in the background ended before it served");
  ::_exit(EXIT_FAILURE);
}

void leave_the_terminal() {
  if (::setsid() < 0) throw_last_error("setsid");
  const UniqueFd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  if (!null || ::dup2(null.get(), STDIN_FILENO) < 0) throw_last_error("/dev/null");
}

}  // namespace

void open_standard_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // The lowest number that is free is the one that is given.
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != fd)
      throw_last_error("/dev/null");
  }
}

Background::Background(UniqueFd foreground) : foreground_{std::move(foreground)} {}

Background Background::enter(const Log& log) {
  open_standard_streams();
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw_last_error("socketpair");
  const UniqueFd background{ends[0]};
  UniqueFd foreground{ends[1]};
  const sigset_t set = signals_to_pass_on();
  const UniqueFd signals{::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!signals) throw_last_error("signalfd");
  const Blocked blocked{set};
  const pid_t child = ::fork();
  if (child < 0) throw_last_error("fork");
  if (child > 0) {
    foreground.reset();
    stay_in_the_foreground(background.get(), signals.get(), child, log);
  }
  leave_the_terminal();
  return Background{std::move(foreground)};
}

void Background::serves() {
  if (!foreground_) return;
  [[maybe_unused]] const ssize_t ignored = ::send(foreground_.get(), &kServes, 1, MSG_NOSIGNAL);
  foreground_.reset();
}

}  // namespace spawning
