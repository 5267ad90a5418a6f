// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <gtest/gtest.h>

#include "help.hpp"
#include "service.hpp"
#include "settings.hpp"
#include "support/options_in_words.hpp"

namespace spawning::cli {
namespace {

using namespace std::chrono_literals;
using test::all_settings, test::refusal;
using Arguments = std::vector<std::string>;

HttpConfig http_of(const std::string& option) { return parse_options({option, "app"}).http; }

TEST(OptionsTest, HaveDefaults) {
  const Options options = parse_options({"shop.app"});

  EXPECT_EQ(options.arguments, Arguments{"shop.app"});
  EXPECT_EQ(options.host, "127.0.0.1");
  EXPECT_EQ(options.port, 8080);
  EXPECT_TRUE(options.bind.empty());
  EXPECT_EQ(options.processes, 4U);
  EXPECT_EQ(options.threads, 4U);
  EXPECT_EQ(options.python, "");
  EXPECT_EQ(options.umask, std::nullopt);
  EXPECT_TRUE(options.http.keep_alive);
  EXPECT_FALSE(options.verbose || options.version || options.help);
}

TEST(OptionsTest, TakeTheDefaultsThatTheTableStates) {
  const auto told = [](const Options& options) {
    return worker_settings(options, {Address::Family::ipv4, options.port, options.host});
  };
  const Options defaults = parse_options({"app"});

  for (const Setting& setting : all_settings()) {
    if (setting.fallback == nullptr) continue;
    Options options = defaults;
    setting.store(options, setting.fallback);
    EXPECT_EQ(told(options), told(defaults)) << setting.name;
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
  EXPECT_FALSE(options.http.keep_alive);
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
  EXPECT_EQ(parse_options({"--", "app", "--", "-q"}).arguments, (Arguments{"app", "--", "-q"}));
}

TEST(OptionsTest, TakeArgumentsAndValuesAsTheyAre) {
  EXPECT_EQ(parse_options({"app", "[a,b]", "", "{}", "-", "x y"}).arguments,
            (Arguments{"app", "[a,b]", "", "{}", "-", "x y"}));
  EXPECT_EQ(parse_options({"-w[a,b]", "--watch", "{}", "--watch=-", "app"}).watch,
            (Arguments{"[a,b]", "{}", "-"}));
  EXPECT_EQ(parse_options({"-vp90", "app"}).port, 90);
}

TEST(OptionsTest, NeedNoApplicationForWhatServesNothing) {
  EXPECT_TRUE(parse_options({"--help"}).help);
  EXPECT_TRUE(parse_options({"-h"}).help);
  EXPECT_TRUE(parse_options({"--version"}).version);
  EXPECT_EQ(parse_options({"--top", "9080"}).top, (StatusUrl{"127.0.0.1", 9080}));
}

TEST(OptionsTest, ServeOrShowTheStatusOfWhatServes) {
  EXPECT_EQ(refusal({"--top", "9080", "app"}), "--top: expected no APP beside it, not \"app\"");
  EXPECT_EQ(refusal({"--top", "nowhere"}),
            "--top: expected the URL of a status server, such as http://127.0.0.1:9080, not "
            "\"nowhere\"");
}

TEST(OptionsTest, RefuseBesideInterpretersWhatIsForOne) {
  const auto refused = [](const char* other) {
    return refusal({"--interpreters", "2", other, "app"});
  };
  const std::string rest = " beside it, which is for one interpreter";
  EXPECT_EQ(refused("--threads=0"), "--interpreters: expected no --threads 0" + rest);
  EXPECT_EQ(refused("--coverage"), "--interpreters: expected no --coverage" + rest);
  EXPECT_EQ(refused("--backdoor=unix:/b"), "--interpreters: expected no --backdoor" + rest);
  EXPECT_EQ(parse_options({"--interpreters=2", "app"}).interpreters, 2U);
  EXPECT_EQ(parse_options({"--interpreters=0", "--coverage", "app"}).interpreters, 0U);
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
            "--processes: expected auto or a number from 1 to 1024, not \"0\"");
  EXPECT_EQ(refusal({"-s", "99999999999999999999", "app"}),
            "--processes: expected auto or a number from 1 to 1024, not \"99999999999999999999\"");
  EXPECT_EQ(refusal({"-t", "1025", "app"}),
            "--threads: expected a number from 0 to 1024, not \"1025\"");
  EXPECT_EQ(refusal({"--green=asyncio", "app"}),
            "--green: expected auto, gevent or eventlet, not \"asyncio\"");
  EXPECT_EQ(refusal({"--worker-connections=0", "app"}),
            "--worker-connections: expected a number from 1 to 1000000, not \"0\"");
  EXPECT_EQ(refusal({"-b", "8080", "app"}),
            "--bind: \"8080\" is no address; expected HOST:PORT, [IPV6]:PORT, unix:PATH or fd://N");
}

TEST(OptionsTest, NameAnOptionWithoutItsValue) {
  EXPECT_EQ(refusal({"app", "--port"}), "--port: expected a value");
  EXPECT_EQ(refusal({"app", "-p"}), "--port: expected a value");
  EXPECT_EQ(refusal({"--host=", "app"}), "--host: expected a value");
}

TEST(OptionsTest, NameASwitchThatWasGivenAValue) {
  for (const std::string value : {"", "yes", "true", "false", "1"})
    EXPECT_EQ(refusal({"--no-keepalive=" + value, "app"}), "--no-keepalive: takes no value");
}

TEST(OptionsTest, NameAnOptionThatWasGivenTwice) {
  EXPECT_EQ(refusal({"-p", "1", "--port", "2", "app"}), "--port: expected only once");
}

TEST(OptionsTest, RefuseWhatDoesNotExistRatherThanIgnoreOrGuessIt) {
  for (const std::string option :
       {"--hostname", "--status", "--chroot", "--z-restart", "--colour-of-the-door"}) {
    EXPECT_EQ(refusal({option, "app"}), option + ": there is no such option; see spawn --help");
    EXPECT_EQ(refusal({option + "=1", "app"}),
              option + ": there is no such option; see spawn --help");
  }
  EXPECT_EQ(refusal({"-q", "app"}), "-q: there is no such option; see spawn --help");
  EXPECT_EQ(refusal({"-xvalue", "app"}), "-x: there is no such option; see spawn --help");
}

TEST(OptionsTest, SuggestWhatMayHaveBeenMeant) {
  for (const auto& [typed, meant] :
       std::vector<std::pair<std::string, std::string>>{{"--prot", "--port"},
                                                        {"--por=80", "--port"},
                                                        {"--proc", "--processes"},
                                                        {"--daemon", "--daemonize"},
                                                        {"--wirte-timeout", "--write-timeout"},
                                                        {"--no-keep-alive", "--no-keepalive"},
                                                        {"--limit_body=1", "--limit-body"}}) {
    EXPECT_EQ(refusal({typed, "app"}), typed.substr(0, typed.find('=')) +
                                           ": there is no such option; did you mean " + meant +
                                           "?");
  }
}

TEST(OptionsTest, TakeSizesWithUnits) {
  EXPECT_EQ(http_of("--limit-request-line=4000").limits.request_line, 4000_B);
  EXPECT_EQ(http_of("--limit-headers=16K").limits.header_octets, 16_KiB);
  EXPECT_EQ(http_of("--limit-body=3M").limits.body, 3_MiB);
  EXPECT_EQ(http_of("--limit-body=2G").limits.body, 2048_MiB);
  EXPECT_EQ(http_of("--body-rate=0").body_rate, 0_B);
}

TEST(OptionsTest, TakeSecondsWithDecimals) {
  EXPECT_EQ(http_of("--header-timeout=10").timeouts.header, 10s);
  EXPECT_EQ(http_of("--body-timeout=0.5").timeouts.body, 500ms);
  EXPECT_EQ(http_of("--write-timeout=.1").timeouts.write, 100ms);
  EXPECT_EQ(http_of("--keepalive-timeout=86400").timeouts.idle, 24h);
  EXPECT_EQ(http_of("--request-timeout=2.25").request_timeouts.request, 2250ms);
  EXPECT_EQ(http_of("--queue-timeout=0").request_timeouts.queue, 0ms);
}

TEST(OptionsTest, SetTheLimitsThatAreNumbers) {
  EXPECT_EQ(http_of("--limit-header-count=7").limits.header_count, 7U);
  EXPECT_EQ(http_of("--max-connections=20").max_connections, 20U);
  EXPECT_EQ(http_of("--keepalive-requests=1000").keep_alive_requests, 1000U);
}

TEST(OptionsTest, SayWhatBecomesOfHeaders) {
  EXPECT_EQ(http_of("--header-map=refuse").header_map, HeaderMap::refuse);
  EXPECT_EQ(http_of("--header-map=dangerous").header_map, HeaderMap::dangerous);
  EXPECT_EQ(http_of("--server-header=Apache 1.3").server, "Apache 1.3");
  EXPECT_EQ(http_of("--server-header=").server, "");
  EXPECT_EQ(parse_options({"--server-header", "", "app"}).http.server, "");
}

TEST(OptionsTest, SayWhichProxiesAreBelieved) {
  EXPECT_EQ(http_of("--forwarded-allow-ips=10.0.0.0/8, unix").forwarded_allow.to_string(),
            "10.0.0.0/8,unix");
  EXPECT_EQ(http_of("--forwarded-allow-ips=").forwarded_allow.to_string(), "");
  EXPECT_TRUE(http_of("--proxy-protocol").proxy_protocol);
}

TEST(OptionsTest, SayWhatMakesTheServiceReload) {
  const Options options =
      parse_options({"-w", "app.ini", "--watch=/srv/shop", "-r", "dev", "--watch-poll=2", "app"});

  EXPECT_EQ(options.watch, (Arguments{"app.ini", "/srv/shop"}));
  EXPECT_TRUE(options.reload_dev);
  EXPECT_EQ(options.watch_poll, std::chrono::seconds{2});
  EXPECT_FALSE(parse_options({"app"}).reload_dev);
}

TEST(OptionsTest, MakeADaemon) {
  const Options options =
      parse_options({"-d", "-u", "shop:www-data", "--pidfile=/run/shop.pid", "--chdir=/srv/shop",
                     "--stdout=out", "--stderr=err", "app"});

  EXPECT_TRUE(options.daemonize);
  EXPECT_EQ(options.chuid, "shop:www-data");
  EXPECT_EQ(options.pidfile, "/run/shop.pid");
  EXPECT_EQ(options.chdir, "/srv/shop");
  EXPECT_EQ(options.stdout_file, "out");
  EXPECT_EQ(options.stderr_file, "err");
  EXPECT_FALSE(parse_options({"app"}).daemonize);
  for (const std::string user : {":", ":shop", "shop:"}) {
    EXPECT_EQ(refusal({"--chuid=" + user, "app"}),
              "--chuid: expected USER or USER:GROUP, not \"" + user + "\"");
  }
}

TEST(OptionsTest, SetEachVariableOnce) {
  const Options options =
      parse_options({"--env", "A=1", "--env=AB=2", "--env=_a1=", "--env=A=3=4", "app"});

  EXPECT_EQ(options.env, (Arguments{"AB=2", "_a1=", "A=3=4"}));
  for (const std::string variable : {"A", "=1", "1A=2", "A B=1", "A-B=1", "\xC3\xA4=1"}) {
    EXPECT_EQ(
        refusal({"--env=" + variable, "app"}),
        "--env: expected NAME=VALUE, NAME of letters, digits and _, not \"" + variable + "\"");
  }
  EXPECT_EQ(refusal({"--env=SPAWNING_SEAT=1", "app"}),
            "--env: expected a NAME that does not begin with SPAWNING_, not \"SPAWNING_SEAT\"");
}

TEST(OptionsTest, TakeAModeInOctal) {
  EXPECT_EQ(parse_options({"--umask", "027", "app"}).umask, mode_t{027});
  EXPECT_EQ(parse_options({"--umask=0", "app"}).umask, mode_t{0});
  for (const std::string mode : {"8", "1000", "-1", "u=rwx", "0o77"}) {
    EXPECT_EQ(refusal({"--umask=" + mode, "app"}),
              "--umask: expected an octal mode from 0 to 777, not \"" + mode + "\"");
  }
}

TEST(OptionsTest, NameTheSizeThatIsNone) {
  for (const std::string size : {"x", "K", "8k", "8KB", "1.5K", " 8K", "-8", "+8K", "255", "1025K",
                                 "99999999999999999999", "17179869184G"}) {
    EXPECT_EQ(refusal({"--limit-request-line=" + size, "app"}),
              "--limit-request-line: expected a size from 256 to 1M, not \"" + size + "\"");
  }
  EXPECT_EQ(refusal({"--limit-body=0", "app"}),
            "--limit-body: expected a size from 1 to 1024G, not \"0\"");
}

TEST(OptionsTest, NameTheSecondsThatAreNone) {
  for (const std::string time : {"x", "0", "0.09", "86400.1", "1e3", "inf", "nan", "-1", "+1", "1s",
                                 "1.2.3", ".", "0x10", "99999999999999999999"}) {
    EXPECT_EQ(
        refusal({"--header-timeout=" + time, "app"}),
        "--header-timeout: expected a number of seconds from 0.1 to 86400, not \"" + time + "\"");
  }
  EXPECT_EQ(refusal({"--queue-timeout=x", "app"}),
            "--queue-timeout: expected 0 or a number of seconds from 0.1 to 86400, not \"x\"");
}

TEST(OptionsTest, SetWhenWorkersAreReplaced) {
  const Options none = parse_options({"app"});
  const Options all = parse_options({"-a604800", "--max-requests=1000", "--max-requests-jitter=100",
                                     "-m", "2G", "--max-worker-memory=300M", "app"});

  EXPECT_EQ(none.replacement.age, 0s);
  EXPECT_EQ(none.replacement.requests, 0U);
  EXPECT_EQ(none.replacement.memory, 0_B);
  EXPECT_EQ(all.replacement.age, 604'800s);
  EXPECT_EQ(all.replacement.requests, 1000U);
  EXPECT_EQ(all.replacement.requests_jitter, 100U);
  EXPECT_EQ(all.replacement.memory, 2048_MiB);
  EXPECT_EQ(all.replacement.worker_memory, 300_MiB);
}

TEST(OptionsTest, TakeMemoryWithoutAUnitInKibibytes) {
  EXPECT_EQ(parse_options({"-m", "512000", "app"}).replacement.memory, 500_MiB);
  EXPECT_EQ(parse_options({"-m0", "app"}).replacement.memory, 0_B);
  for (const std::string size : {"x", "-1", "100", "1000K", "1025G", "1.5G", "1g"}) {
    EXPECT_EQ(refusal({"-m", size, "app"}),
              "--max-memory: expected 0 or a size from 1M to 1024G; without a unit it is in KiB, "
              "not \"" +
                  size + "\"");
  }
}

TEST(OptionsTest, SetHowLongAWorkerMayTakeToStartAndToStop) {
  EXPECT_EQ(parse_options({"app"}).boot_timeout, 60s);
  EXPECT_EQ(parse_options({"--boot-timeout=5", "app"}).boot_timeout, 5s);
  EXPECT_EQ(parse_options({"app"}).deadman, 10s);
  EXPECT_EQ(parse_options({"--deadman", "0.5", "app"}).deadman, 500ms);
}

TEST(OptionsTest, SetWhereTheStatusIsShown) {
  EXPECT_EQ(parse_options({"app"}).status_port, std::nullopt);
  EXPECT_EQ(parse_options({"--status-port=0", "app"}).status_port, 0);
  EXPECT_EQ(parse_options({"--status-host=[::1]", "app"}).status_host, "::1");
  EXPECT_EQ(refusal({"--status-port=no", "app"}),
            "--status-port: expected a number from 0 to 65535, not \"no\"");
}

TEST(OptionsTest, SetHowAServiceReloadsAndStops) {
  EXPECT_EQ(parse_options({"app"}).surge, 0U);
  EXPECT_EQ(parse_options({"--surge=2", "app"}).surge, 2U);
  EXPECT_EQ(refusal({"--surge=-1", "app"}),
            "--surge: expected a number from 0 to 1024, not \"-1\"");
  EXPECT_EQ(parse_options({"app"}).drain_delay, 0s);
  EXPECT_EQ(parse_options({"--drain-delay=15", "app"}).drain_delay, 15s);
  EXPECT_EQ(refusal({"--drain-delay=2h", "app"}),
            "--drain-delay: expected 0 or a number of seconds from 0.1 to 3600, not \"2h\"");
}

TEST(OptionsTest, UnderstandSpawningsNameOfTheDeadman) {
  EXPECT_EQ(parse_options({"--deadman_timeout=120", "app"}).deadman, 120s);
  EXPECT_EQ(parse_options({"--deadman_timeout", "120", "app"}).deadman, 120s);
  EXPECT_EQ(refusal({"--deadman_timeout=1", "--deadman=2", "app"}),
            "--deadman: expected only once");
}

TEST(OptionsTest, UnderstandWhatSpawningsInitScriptCallsTheAccessLog) {
  EXPECT_EQ(parse_options({"--access-log", "/tmp/log", "app"}).access_log_file, "/tmp/log");
}

TEST(OptionsTest, SetWhereTheBackdoorIs) {
  const auto place = [](const std::string& option) {
    return parse_options({option, "app"}).backdoor.value().to_string();
  };

  EXPECT_EQ(parse_options({"app"}).backdoor, std::nullopt);
  EXPECT_EQ(place("--backdoor"), "127.0.0.1:3000");
  EXPECT_EQ(place("--backdoor=0"), "127.0.0.1:0");
  EXPECT_EQ(place("--backdoor=3001"), "127.0.0.1:3001");
  EXPECT_EQ(place("--backdoor=127.0.0.2:3001"), "127.0.0.2:3001");
  EXPECT_EQ(place("--backdoor=[::1]:3001"), "[::1]:3001");
  EXPECT_EQ(place("--backdoor=unix:/run/door"), "unix:/run/door");
}

TEST(OptionsTest, TakeTheBackdoorsAddressOnlyBehindItsEqualsSign) {
  for (const Arguments& arguments : {Arguments{"--backdoor", "app"},
                                     {"app", "--backdoor"},
                                     {"--backdoor", "--", "app"},
                                     {"-s2", "--backdoor", "app"}}) {
    const Options options = parse_options(arguments);
    EXPECT_EQ(options.arguments, Arguments{"app"}) << arguments.front();
    EXPECT_EQ(options.backdoor.value().port, 3000) << arguments.front();
  }
  EXPECT_EQ(parse_options({"--backdoor", "3001", "app"}).arguments, (Arguments{"3001", "app"}));
  EXPECT_EQ(refusal({"--backdoor=", "app"}), "--backdoor: expected a value");
  EXPECT_EQ(refusal({"--backdoor", "--backdoor=1", "app"}), "--backdoor: expected only once");
}

TEST(OptionsTest, KeepTheBackdoorFromOtherMachines) {
  for (const std::string address :
       {"0.0.0.0:3000", "192.0.2.1:3000", "[::]:3000", "localhost:3000", ":3000", "65536", "-1",
        "127.0.0.1", "fd://3", "unix:", "128.0.0.1:3000", "[::ffff:192.0.2.1]:3000", "door"}) {
    EXPECT_EQ(refusal({"--backdoor=" + address, "app"}),
              "--backdoor: expected PORT, 127.0.0.1:PORT, [::1]:PORT or unix:PATH, as it is for "
              "nobody on other machines, not \"" +
                  address + "\"");
  }
}

TEST(OptionsTest, NameTheOtherValuesThatAreNone) {
  EXPECT_EQ(refusal({"--header-map=keep", "app"}),
            "--header-map: expected drop, refuse or dangerous, not \"keep\"");
  EXPECT_EQ(refusal({"--reload=prod", "app"}), "--reload: expected dev, not \"prod\"");
  EXPECT_EQ(refusal({"--watch=", "app"}), "--watch: expected a value");
  EXPECT_EQ(
      refusal({"--server-header=a\r\nb: c", "app"}),
      "--server-header: expected printable ASCII without blanks around it, not \"a\r\nb: c\"");
  EXPECT_EQ(refusal({"--forwarded-allow-ips=10.0.0.0/8,proxy", "app"}),
            "--forwarded-allow-ips: \"proxy\" is no address or network; expected such as "
            "192.0.2.1, 10.0.0.0/8, ::1, unix, *");
}

TEST(OptionsTest, TakeTheLevelAndTheFormatOfTheErrorLog) {
  const Options options = parse_options({"--log-level=debug", "--log-format", "json", "app"});

  EXPECT_EQ(options.log_level, LogLevel::debug);
  EXPECT_EQ(options.log_format, LogStyle::json);
  EXPECT_FALSE(options.verbose);
  EXPECT_EQ(parse_options({"app"}).log_level, std::nullopt);
  EXPECT_EQ(refusal({"--log-level=warn", "app"}),
            "--log-level: expected debug, info, warning or error, not \"warn\"");
  EXPECT_EQ(refusal({"--log-format=JSON", "app"}),
            "--log-format: expected text or json, not \"JSON\"");
  EXPECT_EQ(refusal({"--log-level=", "app"}), "--log-level: expected a value");
  EXPECT_EQ(refusal({"--log-level=info", "--log-level=debug", "app"}),
            "--log-level: expected only once");
}

TEST(OptionsTest, TakeWhatSpawnSaysToItselfAndTellNobody) {
  EXPECT_EQ(parse_options({"-z", "{}", "app"}).restart_args, "{}");
  EXPECT_EQ(parse_options({"--z-restart-args={}", "app"}).restart_args, "{}");
  EXPECT_EQ(help_text().find("restart-args"), std::string::npos);
}

}  // namespace
}  // namespace spawning::cli
