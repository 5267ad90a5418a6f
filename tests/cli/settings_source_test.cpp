// SPDX-License-Identifier: MIT
#include "settings_source.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "print_config.hpp"
#include "support/temporary_directory.hpp"

namespace spawning::cli {
namespace {

using Texts = std::vector<std::string>;

// Where options come from, together: a file, the environment and the command line.
struct SettingsSourceTest : ::testing::Test {
  test::TemporaryDirectory directory;
  std::string path = directory.path() / "spawn.toml";

  Options options(const std::string& file, Texts environment, Texts words) const {
    std::ofstream{path} << file;
    words.insert(words.end(), {"--config", path});
    return parse_options(words, {std::move(environment), ""});
  }

  std::string refusal(const std::string& file, Texts environment, Texts words) const {
    try {
      static_cast<void>(options(file, std::move(environment), std::move(words)));
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }

  static std::string origin(const Options& options, const std::string& name) {
    const Given* const given = find_given(options, name);
    return given == nullptr ? "" : given->origin;
  }
};

TEST_F(SettingsSourceTest, CountsForLessThanTheEnvironmentAndThatForLessThanTheCommandLine) {
  const std::string file = "port = 1\nthreads = 1\nprocesses = 1";

  const Options all = options(file, {"SPAWN_PORT=2", "SPAWN_THREADS=2"}, {"-p3", "app"});

  EXPECT_EQ(all.port, 3);
  EXPECT_EQ(all.threads, 2U);
  EXPECT_EQ(all.processes, 1U);
  EXPECT_EQ(all.surge, 0U);
  EXPECT_EQ(origin(all, "port"), "command line");
  EXPECT_EQ(origin(all, "threads"), "$SPAWN_THREADS");
  EXPECT_EQ(origin(all, "processes"), path + ":3");
  EXPECT_EQ(origin(all, "surge"), "");
}

TEST_F(SettingsSourceTest, TurnsOffWhatAWeakerOneHasTurnedOn) {
  EXPECT_FALSE(options("no-keepalive = true", {}, {"app"}).http.keep_alive);
  const Options off = options("no-keepalive = true\nwatch = ['a']",
                              {"SPAWN_NO_KEEPALIVE=0", "SPAWN_WATCH=b c"}, {"app"});
  EXPECT_TRUE(off.http.keep_alive);
  EXPECT_EQ(find_given(off, "no-keepalive"), nullptr);
  EXPECT_EQ(off.watch, (Texts{"b", "c"}));  // not joined
}

TEST_F(SettingsSourceTest, NamesTheApplicationUnlessAStrongerOneDoes) {
  EXPECT_EQ(options("app = 'a'", {}, {}).arguments, Texts{"a"});
  EXPECT_EQ(options("app = 'a'", {"SPAWN_APP=b"}, {}).arguments, Texts{"b"});
  EXPECT_EQ(options("app = 'a'\nmiddleware = ['m']", {"SPAWN_APP=b"}, {"c"}).arguments, Texts{"c"});
}

TEST_F(SettingsSourceTest, IsRefusedByWhereItIsFrom) {
  EXPECT_EQ(refusal("\nport = 70000", {}, {"app"}),
            path + ":2:8: --port: expected a number from 0 to 65535, not \"70000\"");
  EXPECT_EQ(refusal("", {"SPAWN_PORT=x"}, {"app"}),
            "SPAWN_PORT: expected a number from 0 to 65535, not \"x\"");
  EXPECT_EQ(refusal("", {"PORT=x"}, {"app"}), "PORT: expected a number from 0 to 65535, not \"x\"");
  EXPECT_NE(refusal("port = 'x'", {}, {"-p1", "app"}), "");  // whether it counts or not
  EXPECT_EQ(refusal("", {"PORT=x"}, {"-p1", "app"}), "");    // which is for others
}

TEST_F(SettingsSourceTest, IsNotReadForHelp) {
  EXPECT_TRUE(options("oops", {"SPAWN_OOPS=1"}, {"--help"}).help);
  EXPECT_TRUE(options("oops", {"SPAWN_OOPS=1"}, {"--version"}).version);
}

TEST_F(SettingsSourceTest, LetsAStrongerHostOrPortReplaceAnAddress) {
  const std::string file = "bind = '127.0.0.1:1'\nhost = '::1'";

  EXPECT_EQ(options(file, {}, {"app"}).bind, Texts{"127.0.0.1:1"});
  EXPECT_TRUE(options(file, {}, {"-p2", "app"}).bind.empty());
  EXPECT_EQ(options(file, {"SPAWN_BIND=unix:a"}, {"app"}).bind, Texts{"unix:a"});
}

TEST_F(SettingsSourceTest, TakesThePortOfAPlatformAsItDoes) {
  const Options alone = options("port = 1", {"PORT=5000"}, {"app"});
  EXPECT_EQ(alone.port, 5000);
  EXPECT_EQ(alone.host, "0.0.0.0");
  EXPECT_EQ(origin(alone, "host"), "$PORT");

  const Options at_host = options("host = '::1'", {"PORT=5000"}, {"app"});
  EXPECT_EQ(at_host.port, 5000);
  EXPECT_EQ(at_host.host, "::1");

  const Options typed = options("", {"PORT=5000"}, {"-p", "81", "app"});
  EXPECT_EQ(typed.port, 81);
  EXPECT_EQ(typed.host, "127.0.0.1");

  const Options bound = options("bind = 'unix:a'", {"PORT=5000"}, {"app"});
  EXPECT_EQ(bound.bind, Texts{"unix:a"});
  EXPECT_EQ(origin(bound, "port"), "");

  EXPECT_EQ(options("processes = 1", {"WEB_CONCURRENCY=3"}, {"app"}).processes, 3U);
  EXPECT_EQ(options("", {"WEB_CONCURRENCY=3"}, {"-s2", "app"}).processes, 2U);
}

TEST_F(SettingsSourceTest, MayBeNamedByTheEnvironmentOrStandInTheDirectory) {
  std::ofstream{path} << "port = 81";
  EXPECT_EQ(parse_options({"app"}, {{"SPAWN_CONFIG=" + path}, ""}).port, 81);
  EXPECT_EQ(parse_options({"app"}, {{}, directory.path()}).port, 8080);

  std::ofstream{directory.path() / "pyproject.toml"} << "[tool.spawning]\nport = 82";
  const Options found = parse_options({"app"}, {{}, directory.path()});
  EXPECT_EQ(found.port, 82);
  EXPECT_EQ(found.config_file, directory.path() / "pyproject.toml");
  EXPECT_EQ(origin(found, "config"), "working directory");
}

TEST_F(SettingsSourceTest, IsPrintedForEveryOption) {
  const std::string text =
      config_text(options("port = 81\nwatch = ['a', 'b']\nserver-header = ''", {"SPAWN_THREADS=2"},
                          {"--no-keepalive", "--backdoor", "app", "--print-config"}));

  for (const std::string line :
       {"arguments", "port", "watch", "server-header", "threads", "no-keepalive", "backdoor"})
    EXPECT_NE(text.find(line + " "), std::string::npos) << line;
  const auto has = [&text](const std::string& name, const std::string& value,
                           const std::string& origin) {
    const std::size_t at = text.find("\n" + name + " ");
    ASSERT_NE(at, std::string::npos) << name;
    const std::string line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    EXPECT_NE(line.find("  " + value + "  "), std::string::npos) << line;
    EXPECT_TRUE(line.ends_with("  " + origin)) << line;
  };
  has("port", "81", path + ":1");
  has("watch", "a b", path + ":2");
  has("server-header", "\"\"", path + ":3");
  has("threads", "2", "$SPAWN_THREADS");
  has("no-keepalive", "on", "command line");
  has("backdoor", "on", "command line");
  has("processes", "4", "default");
  has("daemonize", "off", "default");
  has("pidfile", "none", "default");
  for (const SettingGroup& group : setting_groups()) {
    for (const Setting& setting : group.settings) {
      if (setting.where != Setting::Where::anywhere) continue;
      EXPECT_NE(text.find("\n" + std::string{setting.name} + " "), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace spawning::cli
