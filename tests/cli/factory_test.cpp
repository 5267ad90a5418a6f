// SPDX-License-Identifier: MIT
#include "factory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "service.hpp"
#include "spawning/error.hpp"

namespace spawning::cli {
namespace {

using Texts = std::vector<std::string>;

Options options_of(Texts arguments) {
  arguments.insert(arguments.end(), {"--factory=shop.config", "shop.ini"});
  return parse_options(arguments);
}

Configurator interpreter() {
  Configurator interpreter;
  interpreter.command = {"python3"};
  interpreter.directory = "/srv";
  return interpreter;
}

// What is wrong with what a factory has found; "" if nothing is.
std::string refusal(const std::string& output) {
  try {
    static_cast<void>(with_findings(options_of({}), output));
  } catch (const StartupError& error) {
    return error.what();
  }
  return "";
}

TEST(FactoryTest, IsNotAskedIfItIsTheDefault) {
  const Options options = parse_options({"shop.app"});

  EXPECT_TRUE(configurator_for(options, interpreter(), {"spawn", "shop.app"}).command.empty());
}

TEST(FactoryTest, GetsTheOptionsWithSpawningsNames) {
  const auto configurator = configurator_for(options_of({"-p0", "--boot-timeout=7"}), interpreter(),
                                             {"spawn", "-p0", "shop.ini"});

  ASSERT_EQ(configurator.command.size(), 5U);
  EXPECT_EQ(Texts(configurator.command.begin(), configurator.command.end() - 1),
            (Texts{"python3", "-m", "spawning.configure", "shop.config"}));
  const std::string& told = configurator.command.back();
  for (const char* part :
       {R"("host":"127.0.0.1")", R"("port":0,)", R"("args":["shop.ini"])",
        R"("argv_str":"-p0 shop.ini")", R"("pidfile":null)", R"("num_processes":4)"})
    EXPECT_NE(told.find(part), std::string::npos) << part << " in " << told;
  EXPECT_EQ(told.find("app_factory"), std::string::npos);
  EXPECT_EQ(configurator.patience, std::chrono::seconds{7});
  EXPECT_EQ(configurator.directory, "/srv");
}

TEST(FactoryTest, FillsInWhatTheCommandLineDoesNotSay) {
  const Options options = with_findings(
      options_of({"-s", "2"}),
      R"({"host":"[::1]","port":"81","num_processes":7,"threadpool_workers":3,"watch":["a.ini"],)"
      R"("source_directories":["src"],"app_factory":"shop.make","own":{"a":1},"verbose":true})");

  EXPECT_EQ(options.host, "::1");
  EXPECT_EQ(options.port, 81);
  EXPECT_EQ(options.processes, 2U);
  EXPECT_EQ(options.threads, 3U);
  EXPECT_EQ(options.watch, Texts{"a.ini"});
  EXPECT_TRUE(options.sources.empty());  // only for developers
  const std::string told = worker_settings(options, {Address::Family::ipv4, 81, "127.0.0.1"});
  for (const char* part : {R"("app_factory":"shop.make")", R"("own":{"a":1})", R"("verbose":false)",
                           R"("num_processes":2)", R"("threadpool_workers":3)", R"("port":81)"})
    EXPECT_NE(told.find(part), std::string::npos) << part << " in " << told;
}

TEST(FactoryTest, AddsToWhatIsWatched) {
  const Options options = with_findings(
      options_of({"-w", "own.ini", "-r", "dev"}),
      R"({"watch":["own.ini","a.ini"],"source_directories":["src"],"modules":["/lib/a.py"]})");

  EXPECT_EQ(watch_config(options, "/srv").paths,
            (Texts{"/srv/own.ini", "/srv/a.ini", "/srv/src", "/lib/a.py"}));
  EXPECT_EQ(options.found.find("modules"), std::string::npos);
}

TEST(FactoryTest, LeavesAloneWhatItDoesNotSay) {
  const Options options = with_findings(options_of({}), R"({"port":null,"app_factory":"a.b"})");

  EXPECT_EQ(options.port, 8080);
  EXPECT_EQ(options.processes, 4U);
}

TEST(FactoryTest, IsRefusedByNameIfItFindsWhatIsNone) {
  EXPECT_EQ(refusal(R"({"port":70000})"), "port: expected a number from 0 to 65535, not \"70000\"");
  EXPECT_EQ(refusal(R"({"port":"http"})"), "port: expected a number from 0 to 65535, not \"http\"");
  EXPECT_EQ(refusal(R"({"port":true})"), "port: expected a number from 0 to 65535, not \"true\"");
  EXPECT_EQ(refusal(R"({"num_processes":0})"),
            "num_processes: expected auto or a number from 1 to 1024, not \"0\"");
  EXPECT_EQ(refusal(R"({"host":""})"), "host: expected a value");
  EXPECT_EQ(refusal(R"({"watch":"a.ini"})"), "watch: expected a list of paths, not \"a.ini\"");
  EXPECT_EQ(refusal(R"({"watch":[1]})"), "watch: expected a list of paths, not [1]");
  EXPECT_EQ(refusal("[]"), "the factory's result is no JSON object");
  EXPECT_EQ(refusal(""), "the factory's result is no JSON object");
}

TEST(FactoryTest, ReadsPlansForARunningService) {
  const Log log{STDERR_FILENO, "test", {.threshold = LogLevel::error}};
  BoundTo bound;
  bound.address = {Address::Family::ipv4, 4711, "127.0.0.1"};
  bound.host = "127.0.0.1";
  const auto read = plan_reader(options_of({"-p0"}), bound, "/srv", log);

  const ServicePlan plan = read(R"({"app_factory":"a.b","num_processes":9,"watch":["a.ini"]})");

  EXPECT_EQ(plan.processes, 9U);
  EXPECT_EQ(plan.watch, Texts{"/srv/a.ini"});
  EXPECT_NE(plan.worker_settings.find(R"("port":4711)"), std::string::npos);
}

}  // namespace
}  // namespace spawning::cli
