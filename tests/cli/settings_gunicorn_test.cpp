// SPDX-License-Identifier: MIT
#include "settings_gunicorn.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/temporary_directory.hpp"

namespace spawning::cli {
namespace {

using Texts = std::vector<std::string>;

constexpr const char* kAnswer = R"({"options":[
  {"option":"processes","setting":"workers","values":["3"]},
  {"option":"env","setting":"raw_env","values":["A=1","B=2"]},
  {"option":"threads","setting":"","values":["1"]}
],"arguments":["shop:app"],"remarks":["gunicorn.conf.py: preload_app: ignored"]})";

// A script in the place of Python, which answers what spawning.gunicorn_config would.
struct SettingsGunicornTest : ::testing::Test {
  test::TemporaryDirectory directory;
  std::string python = directory.path() / "python";

  void answer_with(const std::string& answer, int status = 0) const {
    std::ofstream{python} << "#!/bin/sh\necho \"$@\" > " << directory / "arguments"
                          << "\necho \"$SHOP\" > " << directory / "variable"
                          << "\ncat <<'END'\n"
                          << answer << "\nEND\nexit " << status << "\n";
    std::filesystem::permissions(python, std::filesystem::perms::owner_all);
  }

  [[nodiscard]] Options options(Texts environment, Texts words) const {
    words.insert(words.end(), {"--config", "gunicorn.conf.py", "--python", python});
    return parse_options(words, {std::move(environment), ""});
  }

  [[nodiscard]] std::string refusal(Texts words = {"app"}) const {
    try {
      static_cast<void>(options({}, std::move(words)));
    } catch (const UsageError& error) {
      return error.traceback() + error.what();
    }
    return "";
  }

  [[nodiscard]] std::string written(const std::string& name) const {
    std::ifstream file{directory / name};
    std::string line;
    std::getline(file, line);
    return line;
  }
};

TEST_F(SettingsGunicornTest, IsWhatIsPython) {
  EXPECT_TRUE(is_gunicorn_file("etc/gunicorn.conf.py"));
  EXPECT_FALSE(is_gunicorn_file("spawn.toml"));
  EXPECT_FALSE(is_gunicorn_file(".py/spawn"));
}

TEST_F(SettingsGunicornTest, CountsAsAFileDoes) {
  answer_with(kAnswer);

  const Options all = options({"SPAWN_ENV=C=3"}, {});

  EXPECT_EQ(all.processes, 3U);
  EXPECT_EQ(all.env, Texts{"C=3"});
  EXPECT_EQ(all.arguments, Texts{"shop:app"});
  EXPECT_EQ(all.arguments_origin, "gunicorn.conf.py");
  EXPECT_EQ(all.remarks, Texts{"gunicorn.conf.py: preload_app: ignored"});
  EXPECT_EQ(find_given(all, "processes")->origin, "gunicorn.conf.py");
  EXPECT_EQ(find_given(all, "threads")->origin, "default of gunicorn");
  EXPECT_EQ(options({}, {"-s2", "other"}).processes, 2U);
  EXPECT_EQ(options({}, {"-s2", "other"}).arguments, Texts{"other"});
}

TEST_F(SettingsGunicornTest, IsExecutedAsTheOptionsSay) {
  answer_with(kAnswer);

  static_cast<void>(options({}, {"--env", "SHOP=open"}));

  EXPECT_EQ(written("arguments"), "-m spawning.gunicorn_config gunicorn.conf.py");
  EXPECT_EQ(written("variable"), "open");
}

TEST_F(SettingsGunicornTest, FindsARelativeInterpreterFromTheDirectoryToWorkIn) {
  answer_with(kAnswer);

  const Options all = parse_options(
      {"--config", "gunicorn.conf.py", "--python", "./python", "--chdir", directory.path(), "app"},
      {});

  EXPECT_EQ(all.processes, 3U);
}

TEST_F(SettingsGunicornTest, IsNotReadForHelp) {
  answer_with("", 1);

  EXPECT_TRUE(options({}, {"--help"}).help);
  EXPECT_EQ(written("arguments"), "");
}

TEST_F(SettingsGunicornTest, IsRefusedByFileAndSetting) {
  answer_with(R"({"options":[{"option":"processes","setting":"workers","values":["0"]}],
                  "arguments":[],"remarks":[]})");

  EXPECT_EQ(refusal(),
            "gunicorn.conf.py: workers: expected auto or a number from 1 to 1024, not \"0\"");
}

TEST_F(SettingsGunicornTest, SaysWhereItFails) {
  answer_with(R"({"type":"failed","summary":"gunicorn.conf.py:3: ValueError: no",)"
              R"("traceback":"Traceback:\n","files":[]})",
              1);
  EXPECT_EQ(refusal(), "Traceback:\ngunicorn.conf.py:3: ValueError: no");

  answer_with("", 3);
  EXPECT_EQ(refusal(), "--config: gunicorn.conf.py: the program exited with status 3");
}

TEST_F(SettingsGunicornTest, RefusesWhatAnotherVersionSays) {
  const std::string beginning =
      "--config: gunicorn.conf.py: " + python + " has another version of spawning: ";
  for (const char* answer :
       {"", "[]", "{}", R"({"options":[{"option":"wings","setting":"","values":[]}]})"}) {
    answer_with(answer);
    EXPECT_TRUE(refusal().starts_with(beginning)) << refusal();
  }
}

}  // namespace
}  // namespace spawning::cli
