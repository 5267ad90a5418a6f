// SPDX-License-Identifier: MIT
#include "supervise/configure_run.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <optional>
#include <utility>

#include "spawning/error.hpp"
#include "spawning/unique_fd.hpp"
#include "supervise/child_process.hpp"
#include "supervise/trouble_report.hpp"

namespace spawning {

using boost::system::error_code;

namespace {

// For a program that says why it takes too long.
constexpr std::chrono::seconds kGrace{1};

std::string in_number(std::chrono::duration<double> seconds) {
  return std::to_string(seconds.count());
}

}  // namespace

struct ConfigureRun::State : std::enable_shared_from_this<ConfigureRun::State> {
  State(IoContext& context, std::function<void(Outcome)> callback)
      : output{context}, timer{context}, done{std::move(callback)} {}

  void start(IoContext& context, const Configurator& configurator) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_last_error("pipe2");
    UniqueFd reading{ends[0]};
    const UniqueFd writing{ends[1]};
    if (::fcntl(reading.get(), F_SETFL, O_NONBLOCK) != 0) throw_last_error("fcntl(F_SETFL)");
    ChildCommand command;
    command.arguments = configurator.command;
    command.environment = configurator.environment;
    const auto last = std::chrono::steady_clock::now() + configurator.patience;
    command.environment.push_back("SPAWNING_PATIENCE=" + in_number(configurator.patience) + " " +
                                  in_number(last.time_since_epoch()));
    command.directory = configurator.directory;
    command.output = writing.get();
    if (configurator.user && !configurator.user->is_current()) {
      command.user = configurator.user;
      for (std::string& variable : command.user->environment())
        command.environment.push_back(std::move(variable));
    }
    child.emplace(context, command, [this](ExitStatus exit) { end(exit); });
    output.assign(reading.get());
    static_cast<void>(reading.release());  // `output` owns it now
    await_output();
    await_overdue(configurator.patience);
  }

  void await_output() {
    output.async_wait(output.wait_read, [self = shared_from_this()](error_code error) {
      if (!error && !self->over && self->take_output()) self->await_output();
    });
  }

  // Whether more may come.
  bool take_output() {
    std::array<char, 16 << 10> octets{};
    for (;;) {
      const ssize_t count = ::read(output.native_handle(), octets.data(), octets.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return count < 0 && errno == EAGAIN;
      text.append(octets.data(), static_cast<std::size_t>(count));
      if (text.size() <= kMostOutput) continue;
      give_up("wrote more than 1 MiB");
      return false;
    }
  }

  void await_overdue(std::chrono::milliseconds patience) {
    timer.expires_after(patience + kGrace);
    timer.async_wait([self = shared_from_this(), patience](error_code error) {
      if (error || self->over) return;
      self->give_up("did not end within " + in_words(patience));
    });
  }

  void give_up(std::string why) {
    if (objection.empty()) objection = std::move(why);
    child->kill_group();
  }

  // Somebody whom the program has started may hold the pipe open for ever: what counts is what is in
  // it when the program has ended.
  void end(ExitStatus exit) {
    static_cast<void>(take_output());
    cancel();
    Outcome outcome = judge(exit);
    if (std::holds_alternative<control::Failed>(outcome)) child->kill_group();
    const auto call = done;  // which may destroy the ConfigureRun
    call(std::move(outcome));
  }

  [[nodiscard]] Outcome judge(ExitStatus exit) {
    if (exit.success() && objection.empty()) return std::move(text);
    if (text.ends_with('\n')) text.pop_back();
    if (auto message = control::decode(text)) {
      if (auto* failure = std::get_if<control::Failed>(&*message)) return std::move(*failure);
    }
    return control::Failed{
        "the program " + (objection.empty() ? exit.to_string() : objection), "", {}};
  }

  void cancel() {
    over = true;
    timer.cancel();
    error_code ignored;  // close(2) frees the descriptor whatever it says
    output.close(ignored);
  }

  boost::asio::posix::stream_descriptor output;
  boost::asio::steady_timer timer;
  const std::function<void(Outcome)> done;
  std::optional<ChildProcess> child;
  std::string text;
  std::string objection;
  bool over = false;
};

ConfigureRun::ConfigureRun(IoContext& context, const Configurator& configurator,
                           std::function<void(Outcome)> done)
    : state_{std::make_shared<State>(context, std::move(done))} {
  state_->start(context, configurator);
}

ConfigureRun::~ConfigureRun() {
  if (!state_->over) state_->child->kill_group();
  state_->cancel();
  state_->child.reset();
}

pid_t ConfigureRun::pid() const { return state_->child->pid(); }

}  // namespace spawning
