// SPDX-License-Identifier: MIT
#include "supervise/configure_run.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <sstream>

#include "support/run_until.hpp"
#include "support/temporary_directory.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;
using test::run_until, test::TemporaryDirectory;

struct ConfigureRunTest : ::testing::Test {
  static Configurator shell(const std::string& script) {
    Configurator configurator;
    configurator.command = {"/bin/sh", "-c", script};
    configurator.patience = 20s;
    return configurator;
  }

  ConfigureRun::Outcome outcome_of(const Configurator& configurator) {
    std::optional<ConfigureRun::Outcome> outcome;
    const ConfigureRun run{context, configurator,
                           [&](ConfigureRun::Outcome result) { outcome = std::move(result); }};
    EXPECT_TRUE(run_until(context, [&] { return outcome.has_value(); }));
    return outcome.value_or("nothing");
  }

  std::string output_of(const std::string& script) {
    return std::get<std::string>(outcome_of(shell(script)));
  }

  control::Failed failure_of(const Configurator& configurator) {
    const auto outcome = outcome_of(configurator);
    const auto* failure = std::get_if<control::Failed>(&outcome);
    return failure == nullptr ? control::Failed{} : *failure;
  }

  [[nodiscard]] pid_t written_pid() const {
    std::ifstream file{directory / "pid"};
    pid_t pid = 0;
    file >> pid;
    return pid;
  }

  IoContext context{1};
  TemporaryDirectory directory;
};

TEST_F(ConfigureRunTest, GivesWhatTheProgramWrites) {
  EXPECT_EQ(output_of("echo one; echo two"), "one\ntwo\n");
  EXPECT_EQ(output_of("true"), "");
  EXPECT_EQ(output_of("head -c 1000000 /dev/zero").size(), 1'000'000U);
}

TEST_F(ConfigureRunTest, StartsItWhereAndAsItIsTold) {
  Configurator configurator = shell("pwd; echo $COLOR; cat");
  configurator.environment = {"COLOR=blue"};
  configurator.directory = directory.path();

  EXPECT_EQ(outcome_of(configurator),
            ConfigureRun::Outcome{directory.path().string() + "\nblue\n"});
}

TEST_F(ConfigureRunTest, TakesTheWordOfAProgramThatFails) {
  const auto failure = failure_of(shell(
      R"(printf %s '{"type":"failed","summary":"no","traceback":"a\nb\n","files":["/f"]}'; exit 1)"));

  EXPECT_EQ(failure, (control::Failed{"no", "a\nb\n", {"/f"}}));
}

TEST_F(ConfigureRunTest, SaysHowAProgramEndedThatHasNoWordForIt) {
  EXPECT_EQ(failure_of(shell("echo half a line; exit 3")).summary,
            "the program exited with status 3");
  EXPECT_EQ(failure_of(shell("kill -9 $$")).summary, "the program was killed by SIGKILL");
}

TEST_F(ConfigureRunTest, BelievesAProgramThatSaysWhyItTakesTooLong) {
  Configurator hanging =
      shell(R"(echo '{"type":"failed","summary":"slow","traceback":"","files":[]}'; sleep 600)");
  hanging.patience = 300ms;

  EXPECT_EQ(failure_of(hanging).summary, "slow");
}

TEST_F(ConfigureRunTest, EndsAProgramThatTakesTooLongWithAllThatItHasStarted) {
  Configurator hanging = shell("sleep 600 & echo $! > '" + (directory / "pid") + "'; wait");
  hanging.patience = 300ms;

  EXPECT_EQ(failure_of(hanging).summary, "the program did not end within 300 ms");
  const pid_t sleeping = written_pid();
  EXPECT_TRUE(run_until(context, [sleeping] {
    return sleeping == 0 || ::kill(sleeping, 0) != 0 || [sleeping] {
      std::ifstream status{"/proc/" + std::to_string(sleeping) + "/stat"};
      std::stringstream text;
      text << status.rdbuf();
      return text.str().find(") Z ") != std::string::npos;  // nobody here waits for it
    }();
  }));
}

TEST_F(ConfigureRunTest, EndsAProgramThatSaysTooMuch) {
  EXPECT_EQ(failure_of(shell("cat /dev/zero")).summary, "the program wrote more than 1 MiB");
}

TEST_F(ConfigureRunTest, DoesNotWaitForWhoeverElseHoldsItsOutput) {
  EXPECT_EQ(output_of("echo done; sleep 5 >&1 2>&1 &"), "done\n");
}

TEST_F(ConfigureRunTest, IsOverWhenItIsDestroyed) {
  pid_t pid = 0;
  {
    const ConfigureRun run{context, shell("sleep 600"), [](const auto&) { FAIL(); }};
    pid = run.pid();
  }

  EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  context.restart();
  context.run_for(1s);  // what was under way ends without a word
}

TEST_F(ConfigureRunTest, RefusesWhatCannotBeExecuted) {
  Configurator configurator;
  configurator.command = {directory / "nothing"};

  EXPECT_THROW((ConfigureRun{context, configurator, [](const auto&) {}}), std::system_error);
}

TEST_F(ConfigureRunTest, CanBeWaitedFor) {
  EXPECT_EQ(configure(shell("echo yes")), "yes\n");
  try {
    static_cast<void>(configure(shell(
        R"(printf %s '{"type":"failed","summary":"no","traceback":"why\n","files":[]}'; exit 1)")));
    FAIL();
  } catch (const ConfigureError& error) {
    EXPECT_STREQ(error.what(), "no");
    EXPECT_EQ(error.traceback(), "why\n");
  }
}

TEST_F(ConfigureRunTest, WaitingIsEndedBySignals) {
  const pid_t waiting = ::fork();
  if (waiting == 0) {
    static_cast<void>(
        configure(shell("echo $$ > '" + (directory / "pid") + "'; kill -TERM $PPID; sleep 600")));
    ::_exit(0);
  }

  int status = 0;
  ASSERT_EQ(::waitpid(waiting, &status, 0), waiting);

  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) << status;
  EXPECT_TRUE(::kill(written_pid(), 0) != 0);
}

}  // namespace
}  // namespace spawning
