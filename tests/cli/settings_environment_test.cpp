// SPDX-License-Identifier: MIT
#include "settings_environment.hpp"

#include <gtest/gtest.h>

namespace spawning::cli {
namespace {

using Texts = std::vector<std::string>;

SettingsSource read(const Texts& environment) { return read_environment(environment); }

// What the only variable says.
Texts only(const std::string& variable) {
  const SettingsSource source = read({"PATH=/bin", variable, "SPAWNING_SEAT=1", "HOME=/"});
  EXPECT_EQ(source.values.size(), 1U) << variable;
  return source.values.at(0).values;
}

std::string refusal(const std::string& variable) {
  try {
    static_cast<void>(read({variable}));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(SettingsEnvironmentTest, SaysWhatOptionsAre) {
  EXPECT_EQ(only("SPAWN_PORT=8000"), Texts{"8000"});
  EXPECT_EQ(only("SPAWN_REQUEST_TIMEOUT=0.5"), Texts{"0.5"});
  EXPECT_EQ(only("SPAWN_DEADMAN_TIMEOUT=5"), Texts{"5"});
  EXPECT_EQ(only("SPAWN_SERVER_HEADER="), Texts{""});
  EXPECT_EQ(only("SPAWN_ACCESS_LOG_FORMAT=%h = %s"), Texts{"%h = %s"});
  EXPECT_EQ(only("SPAWN_CONFIG=spawn.toml"), Texts{"spawn.toml"});
}

TEST(SettingsEnvironmentTest, TurnsSwitchesOnAndOff) {
  for (const std::string on : {"1", "true", "YES", "on"})
    EXPECT_EQ(only("SPAWN_NO_KEEPALIVE=" + on), Texts{""}) << on;
  for (const std::string off : {"0", "False", "no", "off"})
    EXPECT_EQ(only("SPAWN_NO_KEEPALIVE=" + off), Texts{}) << off;
  EXPECT_EQ(refusal("SPAWN_NO_KEEPALIVE=maybe"),
            "SPAWN_NO_KEEPALIVE: expected 1, true, yes or on, or 0, false, no or off, not "
            "\"maybe\"");
  EXPECT_EQ(only("SPAWN_BACKDOOR=yes"), Texts{""});
  EXPECT_EQ(only("SPAWN_BACKDOOR=off"), Texts{});
  EXPECT_EQ(only("SPAWN_BACKDOOR=0"), Texts{"0"});
  EXPECT_EQ(only("SPAWN_BACKDOOR=unix:/run/door"), Texts{"unix:/run/door"});
}

TEST(SettingsEnvironmentTest, HasBlanksBetweenValues) {
  EXPECT_EQ(only("SPAWN_BIND=127.0.0.1:0  unix:a"), (Texts{"127.0.0.1:0", "unix:a"}));
  EXPECT_EQ(read({"SPAWN_APP=shop.app shop.log"}).arguments->words,
            (Texts{"shop.app", "shop.log"}));
}

TEST(SettingsEnvironmentTest, SaysNothingIfEmpty) {
  EXPECT_TRUE(read({"SPAWN_PORT=", "PORT=", "WEB_CONCURRENCY=", "SPAWN_BIND="}).values.empty());
  EXPECT_FALSE(read({"SPAWN_APP="}).arguments);
}

TEST(SettingsEnvironmentTest, UnderstandsPlatforms) {
  EXPECT_EQ(only("PORT=5000"), Texts{"5000"});
  EXPECT_EQ(only("WEB_CONCURRENCY=3"), Texts{"3"});
  const SettingsSource both = read({"PORT=1", "SPAWN_PORT=2", "WEB_CONCURRENCY=3"});
  ASSERT_EQ(both.values.size(), 2U);
  EXPECT_EQ(both.values[0].values, Texts{"2"});
  EXPECT_EQ(both.values[1].origin, "$WEB_CONCURRENCY");
}

TEST(SettingsEnvironmentTest, SuggestsTheNearestOfAnUnknownVariable) {
  EXPECT_EQ(refusal("SPAWN_PROT=1"),
            "SPAWN_PROT: there is no such option; did you mean SPAWN_PORT?");
  EXPECT_EQ(refusal("SPAWN_KEEPALIVE_TIMEOT=1"),
            "SPAWN_KEEPALIVE_TIMEOT: there is no such option; did you mean "
            "SPAWN_KEEPALIVE_TIMEOUT?");
  EXPECT_EQ(refusal("SPAWN_COLOUR=1"), "SPAWN_COLOUR: there is no such option");
  EXPECT_EQ(refusal("SPAWN_=1"), "SPAWN_: there is no such option");
  EXPECT_EQ(refusal("SPAWN_HELP=1"), "SPAWN_HELP: only the command line may say that");
  EXPECT_NE(refusal("SPAWN_Z_RESTART_ARGS={}"), "");
}

}  // namespace
}  // namespace spawning::cli
