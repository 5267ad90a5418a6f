// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <gtest/gtest.h>

namespace spawning::cli {
namespace {

using Arguments = std::vector<std::string>;

// The line that a wrong command line is answered with; "" if it is right.
std::string refusal(const Arguments& arguments) {
  try {
    static_cast<void>(parse_options(arguments));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(OptionsTest, HaveDefaults) {
  const Options options = parse_options({"shop.app"});

  EXPECT_EQ(options.arguments, Arguments{"shop.app"});
  EXPECT_EQ(options.host, "127.0.0.1");
  EXPECT_EQ(options.port, 8080);
  EXPECT_TRUE(options.bind.empty());
  EXPECT_EQ(options.processes, 4U);
  EXPECT_EQ(options.threads, 4U);
  EXPECT_EQ(options.python, "");
  EXPECT_FALSE(options.no_keepalive || options.verbose || options.version || options.help);
}

TEST(OptionsTest, TakeTheDefaultsThatTheTableStates) {
  const Options defaults = parse_options({"app"});

  for (const Setting& setting : settings()) {
    if (setting.fallback == nullptr) continue;
    Options options = defaults;
    setting.store(options, setting.fallback);
    EXPECT_TRUE(options.host == defaults.host && options.port == defaults.port &&
                options.processes == defaults.processes && options.threads == defaults.threads)
        << setting.name;
  }
}

TEST(OptionsTest, MayBeWrittenInEveryUsualWay) {
  for (const Arguments& arguments : {Arguments{"--port=90", "app"},
                                     {"--port", "90", "app"},
                                     {"-p", "90", "app"},
                                     {"-p90", "app"},
                                     {"app", "-p", "90"}}) {
    EXPECT_EQ(parse_options(arguments).port, 90) << arguments.front();
    EXPECT_EQ(parse_options(arguments).arguments, Arguments{"app"}) << arguments.front();
  }
}

TEST(OptionsTest, AreAllUnderstood) {
  const Options options =
      parse_options({"-i", "::1", "-s", "8", "-t2", "--python", "/usr/bin/python3",
                     "--no-keepalive", "-v", "shop.app", "shop.wrap", "shop.log"});

  EXPECT_EQ(options.host, "::1");
  EXPECT_EQ(options.processes, 8U);
  EXPECT_EQ(options.threads, 2U);
  EXPECT_EQ(options.python, "/usr/bin/python3");
  EXPECT_TRUE(options.no_keepalive);
  EXPECT_TRUE(options.verbose);
  EXPECT_EQ(options.arguments, (Arguments{"shop.app", "shop.wrap", "shop.log"}));
}

TEST(OptionsTest, TakeSeveralAddresses) {
  const Options options = parse_options({"-b", "127.0.0.1:0", "--bind=unix:/run/app.sock", "app"});

  EXPECT_EQ(options.bind, (Arguments{"127.0.0.1:0", "unix:/run/app.sock"}));
}

TEST(OptionsTest, TakeAnIpv6AddressWithAndWithoutBrackets) {
  EXPECT_EQ(parse_options({"-i", "[::1]", "app"}).host, "::1");
  EXPECT_EQ(parse_options({"--host=::1", "app"}).host, "::1");
}

TEST(OptionsTest, LeaveWhatFollowsTwoDashesAlone) {
  EXPECT_EQ(parse_options({"app", "--", "--port"}).arguments, (Arguments{"app", "--port"}));
}

TEST(OptionsTest, NeedNoApplicationForHelpAndVersion) {
  EXPECT_TRUE(parse_options({"--help"}).help);
  EXPECT_TRUE(parse_options({"-h"}).help);
  EXPECT_TRUE(parse_options({"--version"}).version);
}

TEST(OptionsTest, NameTheMissingApplication) {
  EXPECT_EQ(
      refusal({}),
      "APP is missing: expected the dotted path of an application, as package.module.callable");
  EXPECT_NE(refusal({"--port", "80"}), "");
}

TEST(OptionsTest, NameTheOptionAndWhatWasExpectedOfItsValue) {
  EXPECT_EQ(refusal({"-p", "65536", "app"}),
            "--port: expected a number from 0 to 65535, not \"65536\"");
  EXPECT_EQ(refusal({"--port=http", "app"}),
            "--port: expected a number from 0 to 65535, not \"http\"");
  EXPECT_EQ(refusal({"--port=-1", "app"}), "--port: expected a number from 0 to 65535, not \"-1\"");
  EXPECT_EQ(refusal({"--port", "-1", "app"}),
            "--port: expected a number from 0 to 65535, not \"-1\"");
  EXPECT_EQ(refusal({"--port=80 ", "app"}),
            "--port: expected a number from 0 to 65535, not \"80 \"");
  EXPECT_EQ(refusal({"-s", "0", "app"}),
            "--processes: expected a number from 1 to 1024, not \"0\"");
  EXPECT_EQ(refusal({"-s", "99999999999999999999", "app"}),
            "--processes: expected a number from 1 to 1024, not \"99999999999999999999\"");
  EXPECT_EQ(refusal({"-t", "1025", "app"}),
            "--threads: expected a number from 1 to 1024, not \"1025\"");
  EXPECT_EQ(refusal({"-t", "0", "app"}),
            "--threads: expected at least 1; 0, cooperative greenlets, is not available yet");
  EXPECT_EQ(refusal({"-b", "8080", "app"}),
            "--bind: \"8080\" is no address; expected HOST:PORT, [IPV6]:PORT, unix:PATH or fd://N");
}

TEST(OptionsTest, NameAnOptionWithoutItsValue) {
  EXPECT_EQ(refusal({"app", "--port"}), "--port: expected a value");
  EXPECT_EQ(refusal({"app", "-p"}), "--port: expected a value");
  EXPECT_EQ(refusal({"--host=", "app"}), "--host: expected a value");
}

TEST(OptionsTest, NameASwitchThatWasGivenAValue) {
  EXPECT_EQ(refusal({"--no-keepalive=yes", "app"}), "--no-keepalive: takes no value");
}

TEST(OptionsTest, NameAnOptionThatWasGivenTwice) {
  EXPECT_EQ(refusal({"-p", "1", "--port", "2", "app"}), "--port: expected only once");
}

TEST(OptionsTest, RefuseWhatDoesNotExistRatherThanIgnoreOrGuessIt) {
  for (const std::string option :
       {"--daemonize", "--prot", "--por", "--proc", "--hostname", "--status-port", "--watch"}) {
    EXPECT_EQ(refusal({option, "app"}), option + ": there is no such option; see spawn --help");
    EXPECT_EQ(refusal({option + "=1", "app"}),
              option + ": there is no such option; see spawn --help");
  }
  EXPECT_EQ(refusal({"-d", "app"}), "-d: there is no such option; see spawn --help");
  EXPECT_EQ(refusal({"-zvalue", "app"}), "-z: there is no such option; see spawn --help");
}

TEST(OptionsTest, AreAllInTheHelpWithTheirDefaults) {
  const std::string help = help_text();

  for (const Setting& setting : settings()) {
    EXPECT_NE(help.find(std::string{"--"} + setting.name), std::string::npos) << setting.name;
    if (setting.short_name != '\0') {
      EXPECT_NE(help.find(std::string{"-"} + setting.short_name + ", --" + setting.name),
                std::string::npos);
    }
    if (setting.fallback != nullptr) {
      EXPECT_NE(help.find(std::string{"(default "} + setting.fallback + ")"), std::string::npos)
          << setting.name;
    }
  }
}

TEST(OptionsTest, FitTheHelpIntoAHundredColumns) {
  const std::string help = help_text();

  for (std::size_t begin = 0, end = 0; (end = help.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    EXPECT_LE(end - begin, 100U) << help.substr(begin, end - begin);
  }
}

}  // namespace
}  // namespace spawning::cli
