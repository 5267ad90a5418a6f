// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A supervisor and what its scripted workers say.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <regex>
#include <string>
#include <utility>

#include "spawning/address.hpp"
#include "spawning/supervisor.hpp"
#include "support/temporary_directory.hpp"

namespace spawning::test {

/// A Supervisor in a process of its own with scripted workers; all of them write to one pipe. The
/// end of the pipe proves that none of them is left.
class SupervisorTest : public ::testing::Test {
 protected:
  ~SupervisorTest() override {
    if (supervisor_ <= 0) return;
    ::kill(supervisor_, SIGKILL);
    ::waitpid(supervisor_, nullptr, 0);
    while (read_more()) continue;  // orphans end by themselves
  }

  void TearDown() override {
    if (HasFailure()) std::cout << "what they said:\n" << transcript_;
  }

  // `first` is what its process does before it becomes a supervisor.
  void start(
      const std::string& script, SupervisorConfig config = {},
      const std::function<void()>& first = [] {}) {
    config.worker_settings = script;
    if (config.worker_command.empty()) config.worker_command = {SPAWNING_SCRIPTED_WORKER};
    config.worker_environment.push_back("SPAWNING_TEST_SCRIPT=" + directory_ / "script");
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    output_.reset(ends[0]);
    UniqueFd writing{ends[1]};
    supervisor_ = ::fork();
    ASSERT_GE(supervisor_, 0);
    if (supervisor_ != 0) return;
    first();
    ::_exit(supervise(std::move(config), writing.get()));
  }

  static int supervise(SupervisorConfig config, int output) {
    ::dup2(output, STDERR_FILENO);
    config.listeners.push_back(bind_listener(BindAddress::parse("127.0.0.1:0")));
    const Log log{STDERR_FILENO, "supervisor", {.threshold = LogLevel::debug}};
    Supervisor supervisor{std::move(config), log};
    supervisor.on_serving([&log] { log.info("all serve"); });
    const int status = supervisor.run();
    const auto& reloads = supervisor.reloads().all();
    for (const Reload& each : reloads.size() > 1 ? reloads : std::deque<Reload>{}) {
      log.info("history: " + std::to_string(each.generation) + " because of " + each.cause + ": " +
               to_string(each.verdict) + (each.ended ? "" : " yet") + " " + each.summary + " " +
               each.traceback);
    }
    return status;
  }

  static SupervisorConfig two_workers() {
    SupervisorConfig config;
    config.processes = 2;
    return config;
  }

  // What it writes is the settings of two workers.
  static Configurator configurator(const std::string& script) {
    Configurator configurator;
    configurator.command = {"/bin/sh", "-c", script};
    configurator.read = [](const std::string& output) {
      ServicePlan plan;
      plan.worker_settings = output.substr(0, output.find('\n'));
      plan.processes = 2;
      return plan;
    };
    return configurator;
  }

  // In one step for whoever watches or reads it.
  void write(const std::string& name, const std::string& text) const {
    const std::string draft = directory_ / (name + "~");  // names like that do not count
    std::ofstream{draft} << text;
    std::filesystem::rename(draft, directory_ / name);
  }

  // What workers do from their next start on.
  void script(const std::string& script) const { write("script", script); }

  void send(int signal) const { ASSERT_EQ(::kill(supervisor_, signal), 0); }

  // The next line that matches; those before it are passed over. "" if it does not come.
  std::string await(const std::string& pattern) {
    const std::regex expression{pattern};
    for (;;) {
      for (std::size_t end = 0; (end = unread_.find('\n')) != std::string::npos;) {
        const std::string line = unread_.substr(0, end);
        unread_.erase(0, end + 1);
        if (std::regex_search(line, expression)) return line;
      }
      if (!read_more()) {
        ADD_FAILURE() << "no line with " << pattern;
        return "";
      }
    }
  }

  // Lines of several processes come in any order.
  void await_two_that_serve() {
    while (count("serves generation 1") < 2 || count("all serve") < 1) {
      if (!read_more()) return ADD_FAILURE() << "they do not serve", void();
    }
    unread_.clear();
  }

  // The pid of the next scripted worker that tells this.
  pid_t await_worker(const std::string& what) {
    const std::string line = await("scripted \\d+ " + what);
    return line.empty() ? -1 : std::stoi(line.substr(9));
  }

  // Waits until everything has ended; gives the supervisor's exit status, or -1 if it was killed.
  int finish() {
    while (read_more()) continue;
    if (HasFailure()) ::kill(supervisor_, SIGKILL);  // it may never end
    int status = 0;
    EXPECT_EQ(::waitpid(supervisor_, &status, 0), supervisor_);
    supervisor_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  [[nodiscard]] int count(const std::string& text) const {
    int found = 0;
    for (std::size_t at = 0; (at = transcript_.find(text, at)) != std::string::npos; ++at) ++found;
    return found;
  }

  bool read_more() {
    pollfd poll_output{output_.get(), POLLIN, 0};
    if (::poll(&poll_output, 1, 20'000) != 1) {
      ADD_FAILURE() << "nothing more happened for 20 s";
      return false;
    }
    std::array<char, 4096> octets{};
    const ssize_t length = ::read(output_.get(), octets.data(), octets.size());
    if (length <= 0) return false;
    unread_.append(octets.data(), static_cast<std::size_t>(length));
    transcript_.append(octets.data(), static_cast<std::size_t>(length));
    return true;
  }

  TemporaryDirectory directory_;
  pid_t supervisor_ = -1;
  UniqueFd output_;
  std::string unread_, transcript_;
};

}  // namespace spawning::test
