// SPDX-License-Identifier: MIT
#include "spawning/status_top.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <ctime>
#include <optional>
#include <utility>

#include "spawning/terminal_screen.hpp"
#include "spawning/top_view.hpp"
#include "spawning/unique_fd.hpp"
#include "top/key_decoder.hpp"
#include "top/status_trouble.hpp"

namespace spawning {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Error = boost::system::error_code;

constexpr std::array<std::chrono::milliseconds, 8> kIntervals{200ms, 500ms, 1s,  2s,
                                                              5s,    10s,   30s, 60s};

// The terminal, opened anew: our own reading without blocking is no business of whoever else has it.
UniqueFd reopened(int terminal) {
  std::array<char, 128> name{};
  if (::isatty(terminal) != 1 || ::ttyname_r(terminal, name.data(), name.size()) != 0) return {};
  return UniqueFd{::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
}

std::string clock_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::array<char, 16> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%H:%M:%S", &parts)};
}

class StatusTop {
 public:
  StatusTop(const StatusUrl& url, const StatusTopOptions& options)
      : url_{url},
        client_{context_, url},
        timer_{context_},
        signals_{context_},
        keyboard_{context_},
        keys_from_{reopened(options.keyboard)} {
    view_.source = url.authority();
    view_.colour = options.colour;
    view_.keys = static_cast<bool>(keys_from_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH})
      signals_.add(number);
    screen_.emplace(options.screen, keys_from_.get());  // no signal leaves it as it is
  }

  int run() {
    wait_for_signals();
    if (keys_from_) {
      keyboard_.assign(keys_from_.release());
      wait_for_keys();
    }
    draw();
    tick();
    context_.run();
    screen_->leave();
    return status_;
  }

 private:
  void tick();
  void take(const StatusAnswer& answer);
  void draw();
  void wait_for_signals();
  void handle_signal(int number);
  void suspend();
  void wait_for_keys();
  void handle_key(char key);
  void show(TopBody body);
  void change_interval(int steps);
  void end(int status);

  StatusUrl url_;
  IoContext context_{1};
  StatusClient client_;
  asio::steady_timer timer_;
  asio::signal_set signals_;
  asio::posix::stream_descriptor keyboard_;
  UniqueFd keys_from_;
  std::optional<TerminalScreen> screen_;  // destroyed, and left, before the keyboard is closed
  KeyDecoder decoder_;
  std::array<char, 256> octets_{};
  TopView view_;
  std::optional<ObservedStatus> now_, before_;
  std::string heard_at_ = clock_time();  // the last answer, or the beginning
  bool asking_ = false;
  int status_ = 0;
};

void StatusTop::tick() {
  timer_.expires_after(view_.interval);
  timer_.async_wait([this](const Error& error) {
    if (!error) tick();
  });
  if (asking_ || view_.paused) return;
  asking_ = true;
  client_.ask([this](const StatusAnswer& answer) { take(answer); });
}

void StatusTop::take(const StatusAnswer& answer) {
  asking_ = false;
  if (const auto* const sample = std::get_if<ObservedStatus>(&answer)) {
    before_ = std::exchange(now_, *sample);
    view_.trouble.clear();
    heard_at_ = clock_time();
  } else {
    view_.trouble = status_trouble(url_, std::get<StatusFailure>(answer), heard_at_);
  }
  draw();
}

void StatusTop::draw() {
  const TerminalSize size = screen_->size();
  view_.columns = size.columns - 1;  // \see TerminalScreen::draw
  view_.rows = size.rows;
  screen_->draw(top_lines(now_ ? &*now_ : nullptr, before_ ? &*before_ : nullptr, view_));
}

void StatusTop::wait_for_signals() {
  signals_.async_wait([this](const Error& error, int number) {
    if (error) return;
    handle_signal(number);
    wait_for_signals();
  });
}

void StatusTop::handle_signal(int number) {
  switch (number) {
    case SIGTSTP:
      return suspend();
    case SIGCONT:
      screen_->enter();
      return draw();
    case SIGWINCH:
      return draw();
    default:
      end(128 + number);
  }
}

// As if nobody handled the signal; SIGCONT goes on.
void StatusTop::suspend() {
  screen_->leave();
  signals_.remove(SIGTSTP);
  std::raise(SIGTSTP);
  signals_.add(SIGTSTP);
  screen_->enter();
  draw();
}

void StatusTop::wait_for_keys() {
  keyboard_.async_read_some(asio::buffer(octets_), [this](const Error& error, std::size_t count) {
    if (error) return;  // the terminal has gone: SIGHUP, or the next draw(), says so
    for (const char key : decoder_.letters({octets_.data(), count})) handle_key(key);
    if (context_.stopped()) return;
    draw();
    wait_for_keys();
  });
}

void StatusTop::handle_key(char key) {
  constexpr std::string_view kOrders = "NMPRC";
  switch (key) {
    case 'q':
      return end(0);
    case ' ':
    case 'p':
      view_.paused = !view_.paused;
      return;
    case '+':
      return change_interval(1);
    case '-':
      return change_interval(-1);
    case 't':
      return show(TopBody::traceback);
    case '?':
    case 'h':
      return show(TopBody::help);
    default:
      break;
  }
  switch (kOrders.find(key)) {
    case 0:
      view_.order = WorkerOrder::slot;
      break;
    case 1:
      view_.order = WorkerOrder::memory;
      break;
    case 2:
    case 4:
      view_.order = WorkerOrder::cpu;
      break;
    case 3:
      view_.order = WorkerOrder::requests;
      break;
    default:
      break;
  }
}

// The same key again brings the workers back.
void StatusTop::show(TopBody body) { view_.body = view_.body == body ? TopBody::workers : body; }

void StatusTop::change_interval(int steps) {
  const auto here = std::ranges::find(kIntervals, view_.interval) - kIntervals.begin();
  const auto last = static_cast<std::ptrdiff_t>(kIntervals.size()) - 1;
  view_.interval =
      kIntervals[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(here + steps, 0, last))];
  tick();
}

void StatusTop::end(int status) {
  status_ = status;
  context_.stop();
}

}  // namespace

int watch_status(const StatusUrl& url, const StatusTopOptions& options) {
  return StatusTop{url, options}.run();
}

}  // namespace spawning
