// SPDX-License-Identifier: MIT
// Workers that give way to others: at a reload, or because of what a worker has come to.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "spawning/supervisor.hpp"
#include "support/supervisor_fixture.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;
using test::SupervisorTest;

// --- reload
// -----------------------------------------------------------------------------

TEST_F(SupervisorTest, ChangesOverToANewGenerationOnSighup) {
  start("ready", two_workers());
  await_two_that_serve();

  send(SIGHUP);

  await("reloaded: generation 2 serves");
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("drains generation 1"), 2);
  EXPECT_EQ(count("drains generation 2"), 2);
}

TEST_F(SupervisorTest, DealsConnectionsOutToTheWorkersThatServe) {
  start("generous", two_workers());
  await_two_that_serve();

  send(SIGHUP);

  std::map<pid_t, int> taken;
  for (int i = 0; i < 6; ++i) ++taken[await_worker("takes a connection generation 2")];
  EXPECT_EQ(taken.size(), 2U);
  for (const auto& [worker, connections] : taken) EXPECT_EQ(connections, 3) << worker;
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("takes a connection"), 6);  // at the end there is nobody to take one
  EXPECT_EQ(count("is cheated"), 0);
}

TEST_F(SupervisorTest, GivesTheConnectionsOfAWorkerTooManyToTheOthers) {
  start("generous", two_workers());
  await_two_that_serve();

  send(SIGTTOU);

  const pid_t leaving = await_worker("drains");
  for (int i = 0; i < 3; ++i) EXPECT_NE(await_worker("takes a connection generation 1"), leaving);
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
}

TEST_F(SupervisorTest, GivesConnectionsToTheWorkerThatTheirGiverHasChosen) {
  auto three = two_workers();
  three.processes = 3;
  start("lavish", std::move(three));

  std::set<pid_t> takers;
  for (int i = 0; i < 3; ++i) takers.insert(await_worker("takes a connection generation 1"));

  EXPECT_EQ(takers.size(), 1U);
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("is cheated"), 0);
}

TEST_F(SupervisorTest, GivesConnectionsToSomebodyElseIfTheChosenWorkerDoesNotServe) {
  start("lavish", two_workers());  // there is no third one

  std::set<pid_t> takers;
  for (int i = 0; i < 3; ++i) takers.insert(await_worker("takes a connection generation 1"));

  EXPECT_EQ(takers.size(), 1U);
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
}

TEST_F(SupervisorTest, GivesConnectionsBackIfNobodyElseServes) {
  auto one = two_workers();
  one.processes = 1;
  start("lavish", std::move(one));

  const pid_t giver = await_worker("serves");

  for (int i = 0; i < 3; ++i) EXPECT_EQ(await_worker("takes a connection generation 1"), giver);
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
}

TEST_F(SupervisorTest, SaysThatConnectionsAreDealtOutBehindThoseThatItGivesBack) {
  auto one = two_workers();
  one.processes = 1;
  start("thorough", std::move(one));
  const pid_t giver = await_worker("serves");

  send(SIGTERM);

  for (int i = 0; i < 3; ++i) EXPECT_EQ(await_worker("takes a connection generation 1"), giver);
  EXPECT_EQ(await_worker("hears that all are dealt out"), giver);
  EXPECT_EQ(finish(), 0);
}

TEST_F(SupervisorTest, SaysThatConnectionsAreDealtOutToAGiverWhoseConnectionsOthersHaveTaken) {
  start("thorough", two_workers());
  await_two_that_serve();
  script("ready");

  send(SIGHUP);

  for (int i = 0; i < 2; ++i) await_worker("hears that all are dealt out generation 1");
  while (count("takes a connection generation 2") < 6) ASSERT_TRUE(read_more());
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("takes a connection generation 1"), 0);
}

TEST_F(SupervisorTest, LetsAWorkerLeaveBesideItsSuccessorAndGivesItsConnectionsToOthers) {
  start("leaving", two_workers());
  const pid_t leaving = await_worker("serves"), other = await_worker("serves");
  script("ready");

  ::kill(leaving, SIGTERM);

  await("pid " + std::to_string(leaving) +
        "\\) leaves by itself, .*; its successor starts at once");
  EXPECT_EQ(await_worker("drains"), leaving);
  while (count("takes a connection") < 3 || count("serves generation 1") < 3)
    ASSERT_TRUE(read_more());
  EXPECT_EQ(count(std::to_string(leaving) + " takes a connection"), 0);
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("starts at once"), 1);  // nor is it missed a second time, when it has ended
  EXPECT_EQ(count(std::to_string(other) + " drains"), 1);
}

TEST_F(SupervisorTest, TakesNoConnectionsOfAWorkerThatLeavesWhileNobodyElseServes) {
  auto one = two_workers();
  one.processes = 1;
  start("leaving", std::move(one));
  const pid_t leaving = await_worker("serves");

  ::kill(leaving, SIGTERM);

  EXPECT_EQ(await_worker("drains"), leaving);
  EXPECT_NE(await_worker("serves"), leaving);
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("takes a connection"), 0);
}

TEST_F(SupervisorTest, SaysThatNobodyTakesConnectionsWhenTheLastWorkerThatServesLeaves) {
  start("leaving", two_workers());
  const pid_t first = await_worker("serves"), last = await_worker("serves");
  script("mute");
  ::kill(first, SIGTERM);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(await_worker("takes a connection"), last);

  ::kill(last, SIGTERM);

  EXPECT_EQ(await_worker("hears that nobody takes them"), first);
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
}

TEST_F(SupervisorTest, KeepsTheOldGenerationWhenTheNewOneCannotLoad) {
  start("ready", two_workers());
  await_two_that_serve();
  script("fail");

  send(SIGHUP);

  await(
      "cannot load the application: NameError: name 'x'; generation 2 is discarded, the one before "
      "goes on");
  await("Traceback \\(of a test\\)");
  EXPECT_EQ(count("drains"), 0);
  script("ready");
  send(SIGHUP);
  await("reloaded: generation 3 serves");
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("drains generation 1"), 2);
}

TEST_F(SupervisorTest, DoesAfterAReloadWhatTheConfiguratorSays) {
  SupervisorConfig config = two_workers();
  config.configurator = configurator("echo crash");
  start("ready", std::move(config));
  const pid_t serving = await_worker("serves generation 1");
  await_two_that_serve();

  send(SIGHUP);

  await("exited with status 7 before it was ready; generation 2 is discarded");
  ::kill(serving, SIGKILL);
  await("serves generation 1");  // by the settings that serve
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
}

TEST_F(SupervisorTest, ChangesNothingWhenTheConfiguratorFails) {
  SupervisorConfig config = two_workers();
  config.configurator = configurator("exit 3");
  start("ready", std::move(config));
  await_two_that_serve();

  send(SIGHUP);

  await("generation 2 cannot be configured: the program exited with status 3; everything goes on");
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("history: 2 because of SIGHUP: failed generation 2 cannot be configured"), 1);
  EXPECT_EQ(count("generation 3"), 0);
}

TEST_F(SupervisorTest, EndsAConfiguratorWhenItStops) {
  SupervisorConfig config = two_workers();
  config.configurator = configurator("echo it runs >&2; exec sleep 600");
  start("ready", std::move(config));
  await_two_that_serve();
  send(SIGHUP);
  await("it runs");

  send(SIGTERM);

  EXPECT_EQ(finish(), 0);  // nobody holds its standard error any more
}

TEST_F(SupervisorTest, RemembersWhatBecameOfReloads) {
  SupervisorConfig config = two_workers();
  config.watch.paths = {directory_ / "script"};
  start("ready", std::move(config));
  await_two_that_serve();
  script("fail");
  await("generation 2 is discarded");
  script("mute");
  await("scripted \\d+ is mute generation 3");
  script("ready");
  await("reloaded: generation 4 serves");
  script("mute");
  await("scripted \\d+ is mute generation 5");

  send(SIGTERM);

  EXPECT_EQ(finish(), 0);
  const std::string changed = " because of " + (directory_ / "script") + " changed: ";
  EXPECT_EQ(count("history: 1 because of start: serving "), 1);
  EXPECT_EQ(count("history: 2" + changed + "failed worker "), 1);
  EXPECT_EQ(count("goes on until another reload Traceback (of a test)"), 1);
  EXPECT_EQ(count("history: 3" + changed + "superseded"), 1);
  EXPECT_EQ(count("history: 4" + changed + "serving"), 1);
  EXPECT_EQ(count("history: 5" + changed + "stopped"), 1);
}

// --- replacement
// ----------------------------------------------------------------------------------

TEST_F(SupervisorTest, ReplacesAWorkerWithAnOverdueRequestOnceItsSuccessorIsReady) {
  start("overdue", two_workers());

  const std::string line =
      await("worker 0 \\(pid \\d+\\): a request ran for more than 30 s; it is being replaced");
  const pid_t overdue = line.empty() ? -1 : std::stoi(line.substr(line.find("(pid ") + 5));

  const pid_t successor = await_worker("is ready generation 1");
  EXPECT_EQ(await_worker("drains"), overdue);
  EXPECT_NE(successor, overdue);
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("serves generation 1"), 3);
  EXPECT_EQ(count("it is being replaced"), 1);
}

TEST_F(SupervisorTest, KeepsAWorkerWithAnOverdueRequestWhileItsSuccessorCannotLoad) {
  start("unlucky", two_workers());

  await(
      "worker 2 .* cannot load the application: NameError: name 'x'; the one before goes on, its "
      "next successor starts in 100 ms");
  await("worker \\d+ .* cannot load .* starts in 200 ms");

  EXPECT_EQ(count("drains"), 0);
  EXPECT_EQ(count("Traceback (of a test)"), 1);
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("drains"), 2);
}

TEST_F(SupervisorTest, ReplacesAWorkerThatHasServedEnough) {
  SupervisorConfig config = two_workers();
  config.limits.requests = 1000;
  start("popular", std::move(config));

  await("worker 0 \\(pid \\d+\\): served 1,234 requests; it is being replaced");

  await("drains");
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("it is being replaced"), 1);
}

TEST_F(SupervisorTest, ReplacesAWorkerThatIsOldEnough) {
  SupervisorConfig config = two_workers();
  config.limits.age = 400ms;
  start("ready", std::move(config));

  await("worker 1 \\(pid \\d+\\): has served for \\d s; it is being replaced");

  await("worker 0 \\(pid \\d+\\): has served for \\d s; it is being replaced");
  await("drains");
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
}

// --- what is left of reloads
// -----------------------------------------------------------------------------

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // slow, and memory is not what it would be
#else
constexpr bool kSanitized = false;
#endif

struct Held {
  std::size_t descriptors = 0;
  std::vector<pid_t> children;  // zombies, too
  std::size_t anonymous = 0;    // KiB of memory that is no file's, and so nobody's share
};

std::size_t anonymous_memory_of(const std::filesystem::path& proc) {
  std::ifstream rollup{proc / "smaps_rollup"};
  for (std::string word; rollup >> word;) {
    std::size_t kibibytes = 0;
    if (word == "Anonymous:" && rollup >> kibibytes) return kibibytes;
  }
  return 0;
}

Held held_by(pid_t process) {
  const std::filesystem::path proc = "/proc/" + std::to_string(process);
  std::ifstream children{proc / "task" / std::to_string(process) / "children"};
  const std::filesystem::directory_iterator descriptors{proc / "fd"};
  return {static_cast<std::size_t>(std::distance(begin(descriptors), end(descriptors))),
          {std::istream_iterator<pid_t>{children}, {}},
          anonymous_memory_of(proc)};
}

TEST_F(SupervisorTest, HoldsNoMoreAfterAThousandReloads) {
  constexpr int kWarmUp = kSanitized ? 20 : 100;
  constexpr int kReloads = kSanitized ? 100 : 1000;
  start("ready", two_workers());
  await_two_that_serve();
  const auto reload = [this](int times) {
    for (int i = 0; i < times && !HasFailure(); ++i) {
      send(SIGHUP);
      await("reloaded: ");
      for (int old = 0; old < 2; ++old) await("exited with status 0");
    }
    send(SIGUSR1);
    await("SIGUSR1");  // all that came before has been done
    return held_by(supervisor_);
  };
  const Held before = reload(kWarmUp);

  const Held after = reload(kReloads);

  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.children.size(), 2U);
  if (!kSanitized) {
    EXPECT_GT(before.anonymous, 0U);
    EXPECT_LE(after.anonymous, before.anonymous + 64) << "before: " << before.anonymous;
  }
  send(SIGTERM);
  EXPECT_EQ(finish(), 0);
}

}  // namespace
}  // namespace spawning
