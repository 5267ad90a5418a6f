// SPDX-License-Identifier: MIT
#include "settings_file.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/temporary_directory.hpp"

namespace spawning::cli {
namespace {

using Texts = std::vector<std::string>;

struct SettingsFileTest : ::testing::Test {
  test::TemporaryDirectory directory;
  std::string path = directory.path() / "spawn.toml";

  void write(const std::string& text) const { std::ofstream{path} << text; }

  // What it says about the only option in it.
  SourceValue only(const std::string& text) const {
    write(text);
    const SettingsSource source = read_settings_file(path);
    EXPECT_EQ(source.values.size(), 1U) << text;
    return source.values.at(0);
  }

  // What is wrong with it, without the path.
  std::string refusal(const std::string& text) const {
    write(text);
    try {
      static_cast<void>(read_settings_file(path));
    } catch (const UsageError& error) {
      const std::string what = error.what();
      EXPECT_TRUE(what.starts_with(path + ":")) << what;
      return what.substr(path.size() + 1);
    }
    return "";
  }
};

TEST_F(SettingsFileTest, SaysWhatOptionsAre) {
  EXPECT_EQ(only("port = 8000").values, Texts{"8000"});
  EXPECT_EQ(only("port = \"8000\"").values, Texts{"8000"});
  EXPECT_EQ(only("request-timeout = 0.5").values, Texts{"0.5"});
  EXPECT_EQ(only("request_timeout = 30").values, Texts{"30"});
  EXPECT_EQ(only("limit-body = '10M'").values, Texts{"10M"});
  EXPECT_EQ(only("server-header = ''").values, Texts{""});
  EXPECT_EQ(only("deadman_timeout = 3").setting, find_setting("deadman"));
}

TEST_F(SettingsFileTest, KeepsModesOctal) {
  EXPECT_EQ(only("umask = 0o027").values, Texts{"27"});
  EXPECT_EQ(only("umask = '027'").values, Texts{"027"});
  EXPECT_EQ(only("umask = 27").values, Texts{"27"});
}

TEST_F(SettingsFileTest, TurnsSwitchesOnAndOff) {
  EXPECT_EQ(only("no-keepalive = true").values, Texts{""});
  EXPECT_EQ(only("no_keepalive = false").values, Texts{});
  EXPECT_EQ(only("backdoor = true").values, Texts{""});
  EXPECT_EQ(only("backdoor = false").values, Texts{});
  EXPECT_EQ(only("backdoor = 3001").values, Texts{"3001"});
}

TEST_F(SettingsFileTest, HasListsOfWhatMayBeRepeated) {
  EXPECT_EQ(only("bind = ['127.0.0.1:0', 'unix:a']").values, (Texts{"127.0.0.1:0", "unix:a"}));
  EXPECT_EQ(only("watch = 'a.ini'").values, Texts{"a.ini"});
  EXPECT_EQ(only("watch = []").values, Texts{});
  EXPECT_EQ(only("[env]\nB = 1\nA = 'x y'").values, (Texts{"A=x y", "B=1"}));
  EXPECT_EQ(only("env = ['A=1']").values, Texts{"A=1"});
}

TEST_F(SettingsFileTest, NamesTheApplicationOrArguments) {
  write("middleware = ['shop.log', 'shop.zip']\napp = 'shop.app'");
  EXPECT_EQ(read_settings_file(path).arguments->words, (Texts{"shop.app", "shop.log", "shop.zip"}));
  write("arguments = ['production.ini', 'port=1']");
  EXPECT_EQ(read_settings_file(path).arguments->words, (Texts{"production.ini", "port=1"}));
  EXPECT_EQ(refusal("middleware = ['shop.log']"), " middleware: expected an app, too");
  EXPECT_EQ(refusal("app = 'a'\narguments = ['a']"),
            "2:13: arguments: expected app and middleware, or arguments, not both");
}

TEST_F(SettingsFileTest, RemembersWhereAValueIsFrom) {
  const SourceValue value = only("\n\n  port = 8000");

  EXPECT_EQ(value.origin, path + ":3");
  EXPECT_EQ(value.said, path + ":3:10: --port");
}

TEST_F(SettingsFileTest, SuggestsTheNearestOfAnUnknownKey) {
  EXPECT_EQ(refusal("\n prot = 1"), "2:2: there is no option \"prot\"; did you mean port?");
  EXPECT_EQ(refusal("request_timeot = 1"),
            "1:1: there is no option \"request_timeot\"; did you mean request-timeout?");
  EXPECT_EQ(refusal("[colours]\nred = 1"), "1:2: there is no option \"colours\"");
}

TEST_F(SettingsFileTest, RefusesWhatIsOfAnotherKind) {
  EXPECT_EQ(refusal("no-keepalive = 1"), "1:16: --no-keepalive: expected true or false");
  EXPECT_EQ(refusal("port = true"), "1:8: --port: expected a text or a number");
  EXPECT_EQ(refusal("port = [1]"), "1:8: --port: expected a text or a number");
  EXPECT_EQ(refusal("port = 1979-05-27"), "1:8: --port: expected a text or a number");
  EXPECT_EQ(refusal("bind = [['a']]"), "1:8: --bind: expected a list of texts");
  EXPECT_EQ(refusal("backdoor = []"), "1:12: --backdoor: expected a text, a number, true or false");
  EXPECT_EQ(refusal("env.A = []"), "1:1: --env: expected a text for A");
  EXPECT_EQ(refusal("app = ['a']"), "1:7: app: expected a text");
  EXPECT_EQ(refusal("no-keepalive = true\nno_keepalive = true"),
            "2:16: --no-keepalive: expected only once");
}

TEST_F(SettingsFileTest, LeavesToTheCommandLineWhatIsIts) {
  for (const std::string name : {"help", "version", "print-config"})
    EXPECT_EQ(refusal(name + " = true"), "1:" + std::to_string(name.size() + 4) + ": --" + name +
                                             ": only the command line may say that");
  EXPECT_NE(refusal("config = 'other.toml'"), "");
  EXPECT_NE(refusal("z-restart-args = '{}'"), "");
}

TEST_F(SettingsFileTest, SaysWhereItCannotBeRead) {
  const std::string refused = refusal("port = 1\nhost = oops\n");

  EXPECT_TRUE(refused.starts_with("2:8: ")) << refused;
  EXPECT_EQ(refused.find('\n'), std::string::npos);
  for (const std::string text : {"port = 1\nport = 2", "port =", "\xff", "[", "port = 1 2"})
    EXPECT_NE(refusal(text), "") << text;
}

TEST_F(SettingsFileTest, MayBeMissing) {
  const auto refused = [](const std::string& name) -> std::string {
    try {
      static_cast<void>(read_settings_file(name));
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refused(path), "--config: " + path + ": No such file or directory");
  EXPECT_EQ(refused(directory.path()),
            "--config: " + directory.path().string() + ": Is a directory");
}

TEST_F(SettingsFileTest, IsASectionOfPyproject) {
  path = directory.path() / "pyproject.toml";
  write("[project]\nname = 'shop'\n[tool.spawning]\nport = 81\n");

  EXPECT_EQ(find_project_file(directory.path()), path);
  EXPECT_EQ(read_settings_file(path).values.at(0).values, Texts{"81"});
}

TEST_F(SettingsFileTest, DoesNotCountInAPyprojectThatIsForOthers) {
  EXPECT_EQ(find_project_file(directory.path()), std::nullopt);
  path = directory.path() / "pyproject.toml";
  write("[project]\nname = oops");
  EXPECT_EQ(find_project_file(directory.path()), std::nullopt);
  write("[project]\nname = 'tool.spawning'");
  EXPECT_EQ(find_project_file(directory.path()), std::nullopt);
  EXPECT_THROW(static_cast<void>(read_settings_file(path)), UsageError);
}

}  // namespace
}  // namespace spawning::cli
