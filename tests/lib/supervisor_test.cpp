// SPDX-License-Identifier: MIT
#include "spawning/supervisor.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "spawning/address.hpp"
#include "support/temporary_directory.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;
using test::TemporaryDirectory;

// A Supervisor in a process of its own with scripted workers; all of them write to one pipe. The
// end of the pipe proves that none of them is left.
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

  void start(const std::string& script, SupervisorConfig config = {}) {
    config.worker_settings = script;
    if (config.worker_command.empty()) config.worker_command = {SPAWNING_SCRIPTED_WORKER};
    config.worker_environment.push_back("SPAWNING_TEST_SCRIPT=" + directory_ / "script");
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    output_.reset(ends[0]);
    UniqueFd writing{ends[1]};
    supervisor_ = ::fork();
    ASSERT_GE(supervisor_, 0);
    if (supervisor_ == 0) ::_exit(supervise(std::move(config), writing.get()));
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

  // What workers do from their next start on.
  void script(const std::string& script) const { std::ofstream{directory_ / "script"} << script; }

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

TEST_F(SupervisorTest, EndsWithStatus1WhenAWorkerSaysReadyAndDies) {
  start("die", two_workers());

  EXPECT_EQ(finish(), 1);
  EXPECT_EQ(count("[error]"), 1);
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
  ::signal(SIGCHLD, SIG_IGN);
  start("crash", two_workers());
  ::signal(SIGCHLD, SIG_DFL);

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
  send(SIGTERM);

  EXPECT_EQ(finish(), 0);
  EXPECT_EQ(count("did not end in time"), 0);
  EXPECT_EQ(count("explains itself"), 0);
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

// --- reload and scale
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

// --- files that change
// ----------------------------------------------------------------------------------------

TEST_F(SupervisorTest, ReloadsWhenAWatchedFileChangesAndNamesIt) {
  SupervisorConfig config = two_workers();
  config.watch.paths = {directory_ / "app.py"};
  start("ready", std::move(config));
  await_two_that_serve();

  std::ofstream{directory_ / "app.py"} << "def app(): ...";

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

  for (const char* name : {"a", "b", "c"}) std::ofstream{directory_ / name} << name;

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
