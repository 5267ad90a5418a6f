// SPDX-License-Identifier: MIT
// A worker program that does what its settings say, or the file $SPAWNING_TEST_SCRIPT if there is
// one:
//
//   ready      loads, serves, drains
//   fail       says that it cannot load
//   crash      exits with status 7 while it loads
//   die        in slot 0: says that it is ready, and exits with status 3; in others as mute
//   mute       never says anything
//   stubborn   as ready, but does not drain
//   silent     as stubborn, and does not explain itself
//   overdue    as ready; in slot 0: says that a request is overdue once it serves
//   popular    as ready; in slot 0: counts 1,234 responses once it serves
//   unlucky    as overdue, but fails in slots after 1
//   typo       fails because of that file
//   modules    as ready, and reports that file as a module
//   generous   as ready; gives three connections away when it drains and may
//   thorough   as ready; gives three connections away when it drains, and ends when it hears that all
//              are dealt out
//   leaving    as generous, but then stays until it hears that nobody takes them; at SIGTERM it asks to
//              leave
//   lavish     as ready; in slot 0: gives three connections to slot 2 once it serves
//   inspect    fails with what it inherited as traceback
//
// What it does it tells on stderr: "scripted PID serves generation 2". Each connection is answered
// with the same and closed.
#include <dirent.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "control/message.hpp"
#include "spawning/asio.hpp"
#include "spawning/control_channel.hpp"
#include "spawning/scoreboard.hpp"
#include "spawning/seat.hpp"

namespace {

using namespace spawning;

std::string open_descriptors() {
  std::set<int> descriptors;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory{::opendir("/proc/self/fd"), ::closedir};
  while (const dirent* entry = ::readdir(directory.get())) {
    const int fd = std::atoi(entry->d_name);
    if (entry->d_name[0] != '.' && fd != ::dirfd(directory.get())) descriptors.insert(fd);
  }
  std::string text;
  for (int fd : descriptors) text += " " + std::to_string(fd);
  return text;
}

std::string dispositions() {
  std::string ignored, blocked;
  sigset_t mask;
  ::sigprocmask(SIG_SETMASK, nullptr, &mask);
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
      ignored += " " + std::to_string(signal);
    if (::sigismember(&mask, signal) == 1) blocked += " " + std::to_string(signal);
  }
  return "ignored:" + ignored + "\nblocked:" + blocked + "\n";
}

class ScriptedWorker {
 public:
  ScriptedWorker(std::string inherited, Seat seat)
      : inherited_{std::move(inherited)},
        seat_{std::move(seat)},
        scoreboard_{Scoreboard::adopt(std::move(seat_.scoreboard))},
        listener_{context_, seat_.listeners.at(0).release()},
        channel_{std::in_place, context_, std::move(seat_.control),
                 ControlChannel::Callbacks{[this](std::string_view line, auto descriptors) {
                                             hear(line, descriptors.size());
                                           },
                                           [this] {
                                             tell("is an orphan");
                                             context_.stop();
                                           }}} {
    scoreboard_.slot(seat_.slot).pid = static_cast<std::uint32_t>(::getpid());
  }

  void run() { context_.run(); }

 private:
  void hear(std::string_view line, std::size_t descriptors) {
    const auto message = control::decode(line).value();
    if (const auto* configure = std::get_if<control::Configure>(&message))
      load(configure->settings);
    if (std::holds_alternative<control::Serve>(message)) serve();
    if (const auto* order = std::get_if<control::Drain>(&message)) drain(order->hand_over);
    if (const auto* connections = std::get_if<control::Connections>(&message)) {
      if (connections->states.size() != descriptors) tell("is cheated");
      if (connections->states.empty()) {
        tell("hears that all are dealt out");
        context_.stop();
      }
      for (std::size_t i = 0; i < descriptors; ++i) tell("takes a connection");
    }
    if (std::holds_alternative<control::Explain>(message)) explain();
  }

  void load(const std::string& settings) {
    script_ = settings;
    if (script_ == "leaving") leave_at_sigterm();
    const std::string path = std::getenv("SPAWNING_TEST_SCRIPT");
    if (std::ifstream file{path}; file) file >> script_;
    if (script_ == "crash") ::_exit(7);
    if (script_ == "fail" || (script_ == "unlucky" && seat_.slot > 1))
      return say(control::Failed{"NameError: name 'x'", "Traceback (of a test)\n", {}});
    if (script_ == "typo")
      return say(control::Failed{"SyntaxError: it", "Traceback (of a test)\n", {path}});
    if (script_ == "modules") say(control::Modules{{path}});
    if (script_ == "inspect") return say(control::Failed{"inspected", inherited_, {}});
    if (script_ == "mute" || (script_ == "die" && seat_.slot > 0)) return tell("is mute");
    tell("is ready");
    say(control::Ready{});
    if (script_ == "die") ::_exit(3);
  }

  void serve() {
    tell("serves");
    await_connection();
    if ((script_ == "overdue" || script_ == "unlucky") && seat_.slot == 0)
      say(control::Overdue{std::chrono::seconds{30}});
    if (script_ == "lavish" && seat_.slot == 0) give_away({2});
    if (script_ == "popular" && seat_.slot == 0) {
      scoreboard_.slot(0).exchanges[0][4] = 234;
      scoreboard_.slot(0).exchanges[0][2] = 1000;
    }
  }

  void drain(bool hand_over) {
    const bool again = std::exchange(draining_, true);
    if (script_ == "leaving" && again && !hand_over) {
      tell("hears that nobody takes them");
      context_.stop();
    }
    if (again) return;
    tell("drains");
    if (script_ == "stubborn" || script_ == "silent") return;
    if (script_ == "leaving" && hand_over) return give_away();
    if (script_ == "generous" && hand_over) give_away();
    if (script_ == "thorough") {
      give_away();
      return say(control::Connections{});
    }
    channel_->when_sent([this] { context_.stop(); });
  }

  void leave_at_sigterm() {
    signals_.add(SIGTERM);
    signals_.async_wait([this](boost::system::error_code error, int /*signal*/) {
      if (!error) say(control::Leaving{});
    });
  }

  void explain() {
    if (script_ == "silent") return tell("is silent");
    tell("explains itself");
    say(control::Explained{});
  }

  void give_away(std::vector<unsigned> to = {}) {
    control::Connections three;
    three.to = std::move(to);
    std::vector<UniqueFd> sockets;
    for (int i = 0; i < 3; ++i) {
      three.states.push_back({});
      sockets.push_back(ControlChannel::make_pair().first);
    }
    channel_->send(control::encode(three), std::move(sockets));
  }

  void await_connection() {
    listener_.async_wait(listener_.wait_read, [this](boost::system::error_code error) {
      if (error) return;
      if (const UniqueFd client{
              ::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC)};
          client) {
        const std::string answer = line("serves");
        [[maybe_unused]] const auto ignored =
            ::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      }
      await_connection();
    });
  }

  void say(const control::Message& message) { channel_->send(control::encode(message)); }

  std::string line(const std::string& what) const {
    return "scripted " + std::to_string(::getpid()) + " " + what + " generation " +
           std::to_string(seat_.generation) + "\n";
  }

  void tell(const std::string& what) const {
    const std::string text = line(what);
    [[maybe_unused]] const auto ignored = ::write(STDERR_FILENO, text.data(), text.size());
  }

  std::string inherited_;
  Seat seat_;
  Scoreboard scoreboard_;
  IoContext context_{1};
  boost::asio::signal_set signals_{context_};
  boost::asio::posix::stream_descriptor listener_;
  std::optional<ControlChannel> channel_;
  std::string script_;
  bool draining_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  std::string inherited = "descriptors:" + open_descriptors() + "\n" + dispositions();
  for (int i = 1; i < argc; ++i) inherited += "argument: " + std::string{argv[i]} + "\n";
  auto seat = Seat::take();
  if (!seat) return 2;
  ScriptedWorker{std::move(inherited), std::move(*seat)}.run();
  return 0;
}
