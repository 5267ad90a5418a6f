// SPDX-License-Identifier: MIT
// Reloads because files have changed.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <utility>

#include "spawning/supervisor.hpp"
#include "support/supervisor_fixture.hpp"

namespace spawning {
namespace {

using test::SupervisorTest;

TEST_F(SupervisorTest, ReloadsWhenAWatchedFileChangesAndNamesIt) {
  SupervisorConfig config = two_workers();
  config.watch.paths = {directory_ / "app.py"};
  start("ready", std::move(config));
  await_two_that_serve();

  write("app.py", "def app(): ...");

  await("\\[info\\] supervisor: reloading: " + (directory_ / "app.py") + " changed$");
  await("reloaded: generation 2 serves");
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("nothing is there to watch at " + (directory_ / "app.py") + ", yet"), 1);
}

TEST_F(SupervisorTest, ReloadsOnceForABurstOfChanges) {
  SupervisorConfig config = two_workers();
  config.watch.paths = {directory_.path()};
  config.watch.poll = std::chrono::milliseconds{20};
  start("ready", std::move(config));
  await_two_that_serve();

  send(SIGSTOP);  // or it could see some of them too early
  ASSERT_EQ(::waitpid(supervisor_, nullptr, WUNTRACED), supervisor_);
  for (const char* name : {"a", "b", "c"}) write(name, name);
  send(SIGCONT);

  await("reloading: " + (directory_ / "a") + " changed \\(and 2 more\\)");
  await("reloaded: generation 2 serves");
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("reloading: "), 1);
}

TEST_F(SupervisorTest, ReloadsWhenAModuleThatAWorkerReportedChanges) {
  SupervisorConfig config = two_workers();
  config.watch.modules = true;
  start("modules", std::move(config));
  await_two_that_serve();

  script("modules");

  await("reloading: " + (directory_ / "script") + " changed");
  await("reloaded: generation 2 serves");
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
}

TEST_F(SupervisorTest, StartsOverWhenAFileChangesDuringAReload) {
  SupervisorConfig config = two_workers();
  config.watch.paths = {directory_ / "script"};
  start("ready", std::move(config));
  await_two_that_serve();

  script("mute");
  await("scripted \\d+ is mute generation 2");
  script("ready");

  await("reloaded: generation 3 serves");
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("reloading: "), 2);
  EXPECT_EQ(count("serves generation 2"), 0);
}

TEST_F(SupervisorTest, ReloadsWhenAFileOfAFailureChanges) {
  SupervisorConfig config = two_workers();
  config.watch.paths = {directory_ / "another"};
  start("ready", std::move(config));
  await_two_that_serve();
  script("typo");
  send(SIGHUP);
  await("SyntaxError: it; generation 2 is discarded");

  script("ready");

  await("reloading: " + (directory_ / "script") + " changed");
  await("reloaded: generation 3 serves");
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
}

TEST_F(SupervisorTest, WaitsForTheFirstGenerationToBeMendedIfItWatchesModules) {
  SupervisorConfig config = two_workers();
  config.watch.modules = true;
  start("typo", std::move(config));
  await("SyntaxError: it; the next try comes when a file changes that may mend it");

  script("typo");
  await("SyntaxError: it; the next try comes when a file changes that may mend it");
  script("ready");

  await("all serve");
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
}

TEST_F(SupervisorTest, EndsIfTheFirstGenerationCannotLoadAndOnlyPathsAreWatched) {
  SupervisorConfig config = two_workers();
  config.watch.paths = {directory_ / "script"};
  start("typo", std::move(config));

  EXPECT_EQ(finish(), 1);
}

TEST_F(SupervisorTest, SaysSoWhenTheWorkingDirectoryIsNotThere) {
  SupervisorConfig config = two_workers();
  config.working_directory = directory_ / "current";
  start("ready", std::move(config));

  EXPECT_EQ(finish(), 1);
  EXPECT_GE(count("cannot be started: " + (directory_ / "current: No such file or directory")), 1);
}

}  // namespace
}  // namespace spawning
