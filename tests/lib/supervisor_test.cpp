// SPDX-License-Identifier: MIT
#include "spawning/supervisor.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "spawning/address.hpp"
#include "support/supervisor_fixture.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;
using test::SupervisorTest;

// --- start
// ----------------------------------------------------------------------------------------

TEST_F(SupervisorTest, ServesWithEveryWorkerAndStopsWithStatus0OnSigterm) {
  start("ready", two_workers());
  await_two_that_serve();

  send(SIGTERM);

  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("serves generation 1"), 2);
  EXPECT_EQ(count("drains generation 1"), 2);
}

TEST_F(SupervisorTest, EndsWithStatus1AndOneTracebackWhenTheApplicationCannotBeLoaded) {
  start("fail", two_workers());

  EXPECT_EQ(finish(), 1);
  EXPECT_EQ(count("cannot load the application: NameError: name 'x'"), 1);
  EXPECT_EQ(count("Traceback (of a test)"), 1);
}

TEST_F(SupervisorTest, EndsWithStatus1AndTheReasonWhenAWorkerDiesWhileItLoads) {
  start("crash", two_workers());

  EXPECT_EQ(finish(), 1);
  EXPECT_EQ(count("exited with status 7 before it was ready"), 1);
}

TEST_F(SupervisorTest, EndsWithStatus1WhenAWorkerSaysReadyAndDiesAgain) {
  start("die", two_workers());

  EXPECT_EQ(finish(), 1);
  EXPECT_EQ(count("exited with status 3; the service cannot start"), 1);
}

TEST_F(SupervisorTest, EndsWithStatus1WhenTheProgramCannotBeStarted) {
  SupervisorConfig config = two_workers();
  config.worker_command = {"/nonexistent/python3"};
  start("ready", std::move(config));

  EXPECT_EQ(finish(), 1);
  EXPECT_EQ(count("/nonexistent/python3: No such file or directory"), 1);
}

TEST_F(SupervisorTest, EndsWithStatus1WhenAWorkerIsNotReadyInTime) {
  SupervisorConfig config = two_workers();
  config.boot_timeout = 300ms;
  start("mute", std::move(config));

  EXPECT_EQ(finish(), 1);
  EXPECT_EQ(count("was not ready within 300 ms"), 1);
  EXPECT_GE(count("explains itself"), 1);
}

TEST_F(SupervisorTest, GivesAWorkerItsSeatAndNothingElse) {
  SupervisorConfig config = two_workers();
  config.processes = 1;
  config.worker_command = {SPAWNING_SCRIPTED_WORKER, "-m", "an argument"};
  const UniqueFd careless{
      ::open("/dev/null", O_RDONLY)};  // as some shells and CI systems leave them
  ASSERT_GE(careless.get(), 0);
  sigset_t mask;
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &mask, nullptr);
  start("inspect", std::move(config));
  ::sigprocmask(SIG_UNBLOCK, &mask, nullptr);

  EXPECT_EQ(finish(), 1);
  EXPECT_EQ(count("descriptors: 0 1 2 3 4 5\n"), 1);
  EXPECT_EQ(count("ignored: 1 2 3 22\nblocked:\n"), 1);  // HUP, INT, QUIT, TTOU
  EXPECT_EQ(count("argument: -m\nargument: an argument\n"), 1);
}

TEST_F(SupervisorTest, GivesAWorkerTheConsoleBehindTheListeners) {
  SupervisorConfig config = two_workers();
  config.processes = 1;
  config.console = bind_listener(BindAddress::parse("127.0.0.1:0"));
  start("inspect", std::move(config));

  EXPECT_EQ(finish(), 1);
  EXPECT_EQ(count("descriptors: 0 1 2 3 4 5 6\n"), 1);
}

TEST_F(SupervisorTest, SeesItsWorkersEndEvenIfItWasToldToIgnoreChildren) {
  start("crash", two_workers(), [] { ::signal(SIGCHLD, SIG_IGN); });

  EXPECT_EQ(finish(), 1);
  EXPECT_EQ(count("exited with status 7 before it was ready"), 1);
}

TEST_F(SupervisorTest, RefusesWhatItCannotSupervise) {
  const Log log{STDERR_FILENO, "supervisor"};
  SupervisorConfig none = two_workers(), many = two_workers();
  none.processes = 0;
  many.processes = 1025;
  none.worker_command = many.worker_command = {SPAWNING_SCRIPTED_WORKER};

  EXPECT_THROW(Supervisor(two_workers(), log), std::invalid_argument);  // no command
  EXPECT_THROW(Supervisor(std::move(none), log), std::invalid_argument);
  EXPECT_THROW(Supervisor(std::move(many), log), std::invalid_argument);
}

// --- crashes
// --------------------------------------------------------------------------------------

TEST_F(SupervisorTest, ReplacesAWorkerThatIsKilled) {
  start("ready", two_workers());
  const pid_t first = await_worker("serves"), second = await_worker("serves");

  ::kill(first, SIGKILL);

  await("pid " + std::to_string(first) +
        "\\) was killed by SIGKILL \\(.*\\); its successor starts at once");
  EXPECT_NE(await_worker("serves"), second);
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
}

TEST_F(SupervisorTest, LeavesItsWorkersToDrainWhenItIsKilled) {
  start("ready", two_workers());
  await_two_that_serve();

  send(SIGKILL);

  EXPECT_EQ(finish(), -1);
  EXPECT_EQ(count("is an orphan"), 2);
}

// --- stop
// -----------------------------------------------------------------------------------------

TEST_F(SupervisorTest, StopsGracefullyOnSigint) {
  start("ready", two_workers());
  await_two_that_serve();

  send(SIGINT);

  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("drains"), 2);
}

TEST_F(SupervisorTest, StopsAtOnceOnSigquit) {
  start("stubborn", two_workers());
  await_two_that_serve();

  send(SIGQUIT);

  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("drains"), 0);
}

TEST_F(SupervisorTest, StopsAtOnceOnASecondSigterm) {
  start("stubborn", two_workers());
  await_two_that_serve();

  send(SIGTERM);
  await("drains");
  do send(SIGTERM);
  while (await("SIGTERM (so soon )?again").find("so soon") != std::string::npos);

  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("did not end in time"), 0);
  EXPECT_EQ(count("explains itself"), 0);
}

TEST_F(SupervisorTest, TakesTwoSignalsThatComeTogetherForOne) {
  start("stubborn", two_workers());
  await_two_that_serve();

  send(SIGTERM);
  send(SIGINT);

  await("(SIGTERM|SIGINT): stopping");
  await("(SIGTERM|SIGINT) so soon again: taken for the one before");
  send(SIGQUIT);
  EXPECT_EQ(finish(), 0);
}

TEST_F(SupervisorTest, KillsAWorkerThatIsNotGoneByTheDeadline) {
  SupervisorConfig config = two_workers();
  config.deadman = 200ms;
  start("stubborn", std::move(config));
  await_two_that_serve();

  send(SIGTERM);

  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("did not end in time and is killed"), 2);
  EXPECT_EQ(count("explains itself"), 2);
}

TEST_F(SupervisorTest, KillsAWorkerThatIsNotGoneByTheDeadlineEvenIfItDoesNotExplainItself) {
  SupervisorConfig config = two_workers();
  config.deadman = 200ms;
  start("silent", std::move(config));
  await_two_that_serve();

  send(SIGTERM);

  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("is silent"), 2);
  EXPECT_EQ(count("did not end in time and is killed"), 2);
}

TEST_F(SupervisorTest, StopsBeforeItServes) {
  start("mute", two_workers());
  await("is mute");

  send(SIGTERM);

  EXPECT_EQ(finish(), 0);
}

// --- other signals

TEST_F(SupervisorTest, AddsAndRemovesAWorkerOnSigttinAndSigttou) {
  start("ready", two_workers());
  await_two_that_serve();

  send(SIGTTIN);
  const pid_t third = await_worker("serves generation 1");
  send(SIGTTOU);

  EXPECT_EQ(await_worker("drains"), third);
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("SIGTTIN: 3 workers wanted"), 1);
  EXPECT_EQ(count("SIGTTOU: 2 workers wanted"), 1);
}

TEST_F(SupervisorTest, IsNotHarmedBySigusr1AndSigusr2) {
  start("ready", two_workers());
  await_two_that_serve();

  send(SIGUSR1);
  await("SIGUSR1: no log file");
  send(SIGUSR2);
  await("SIGUSR2: ignored");

  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
}

}  // namespace
}  // namespace spawning
