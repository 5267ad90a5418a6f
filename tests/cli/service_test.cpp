// SPDX-License-Identifier: MIT
#include "service.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "spawning/capacity.hpp"
#include "spawning/error.hpp"
#include "support/temporary_directory.hpp"

namespace spawning::cli {
namespace {

using test::TemporaryDirectory;
using namespace std::string_literals;
using Family = Address::Family;

Options options_of(std::vector<std::string> arguments) {
  arguments.emplace_back("shop.app");
  return parse_options(arguments);
}

TEST(ServiceTest, BindsHostAndPort) {
  const Sockets sockets = bind_sockets(options_of({"--port=0"}));

  ASSERT_EQ(sockets.addresses.size(), 1U);
  EXPECT_EQ(sockets.addresses[0].host, "127.0.0.1");
  EXPECT_NE(sockets.addresses[0].port, 0);
  EXPECT_EQ(sockets.addresses[0], Address::local(sockets.listeners[0].fd.get()));
}

TEST(ServiceTest, RestartsWithItsOwnCommandLineOnly) {
  using Command = std::vector<std::string>;
  EXPECT_EQ(restart_command({"spawn", "shop.app"}), (Command{"spawn", "shop.app"}));
  EXPECT_EQ(restart_command({"spawn", "-z", "{}", "-p", "1", "shop.app"}),
            (Command{"spawn", "-p", "1", "shop.app"}));
}

TEST(ServiceTest, BindsAddressesInsteadOfHostAndPort) {
  const TemporaryDirectory directory;
  const std::string path = directory / "app.sock";
  {
    const Sockets sockets = bind_sockets(options_of({"-b", "127.0.0.1:0", "-b", "unix:" + path}));

    EXPECT_EQ(sockets.listeners.size(), 2U);
    EXPECT_EQ(sockets.addresses[1].to_string(), "unix:" + path);
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ServiceTest, GivesUnixSocketsTheModeThatTheUmaskLeaves) {
  const TemporaryDirectory directory;
  const mode_t before = ::umask(0);

  for (const auto& [umask, mode] : {std::pair{"007", 0770}, {"0177", 0600}, {"0", 0777}}) {
    const std::string path = directory / umask;
    const Sockets sockets = bind_sockets(options_of({"--bind=unix:" + path, "--umask", umask}));
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, static_cast<mode_t>(mode)) << umask;
  }

  ::umask(before);
}

TEST(ServiceTest, NamesTheOptionThatCannotBeBoundAndLeavesNothingBehind) {
  const TemporaryDirectory directory;
  const std::string path = directory / "app.sock";

  try {
    static_cast<void>(bind_sockets(options_of({"-b", "unix:" + path, "-b", "192.0.2.1:0"})));
    FAIL();
  } catch (const StartupError& error) {
    EXPECT_STREQ(error.what(),
                 "--bind: cannot bind 192.0.2.1:0: the address is not one of this machine's");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ServiceTest, LogsAtTheLevelThatIsStatedElseAtThatOfVerbose) {
  const auto level = [](const std::vector<std::string>& arguments) {
    std::vector<std::string> all = arguments;
    all.emplace_back("app");
    return log_options(parse_options(all)).threshold;
  };

  EXPECT_EQ(level({}), LogLevel::info);
  EXPECT_EQ(level({"-v"}), LogLevel::debug);
  EXPECT_EQ(level({"--log-level=warning"}), LogLevel::warning);
  EXPECT_EQ(level({"--log-level=warning", "-v"}), LogLevel::warning);
  EXPECT_EQ(level({"-v", "--log-level=info"}), LogLevel::info);
  EXPECT_EQ(log_options(parse_options({"app"})).style, LogStyle::text);
  EXPECT_EQ(log_options(parse_options({"--log-format=json", "app"})).style, LogStyle::json);
}

TEST(ServiceTest, TellsWorkersTheirSettingsWithSpawningsNames) {
  const Options options =
      parse_options({"-s2", "-t3", "--no-keepalive", "shop.app", "shop.\"wrap\""});

  EXPECT_EQ(
      worker_settings(options, {Family::ipv4, 4711, "127.0.0.1"}),
      R"({"app_factory":"spawning.wsgi_factory.app_factory","args":["shop.app","shop.\"wrap\""],)"
      R"("num_processes":2,"threadpool_workers":3,"green":"auto","worker_connections":1000,"hub_stall":1,"interpreters":0,)"
      R"("no_keepalive":true,)"
      R"("deadman_timeout":10,"max_age":null,"access_log_file":"-",)"
      R"("access_log_format":"spawning","log_level":"info","log_format":"text",)"
      R"("pidfile":null,"verbose":false,"backdoor":null,)"
      R"("watch":[],"reload":null,"host":"127.0.0.1","port":4711,)"
      R"("status_host":"127.0.0.1","status_port":null,)"
      R"("coverage":false,"coverage_directory":null,"sysinfo":false,)"
      R"("http":{"keepalive_requests":0,"header_map":"drop","server_header":"Spawning",)"
      R"("limit_request_line":8192,"limit_header_count":100,"limit_headers":65536,)"
      R"("limit_body":1073741824,"max_connections":10000,"header_timeout":30,"body_timeout":30,)"
      R"("body_rate":240,"write_timeout":30,"keepalive_timeout":75,"request_timeout":0,)"
      R"("queue_timeout":0,"forwarded_allow_ips":"127.0.0.1,::1","proxy_protocol":false,)"
      R"("request_id":false}})");
}

TEST(ServiceTest, BindsAStatusServerWhereTheServiceIsUnlessToldOtherwise) {
  const Sockets none;

  EXPECT_FALSE(status_config(options_of({}), none));
  const auto beside = status_config(options_of({"--host=127.0.0.2", "--status-port=0"}), none);
  EXPECT_EQ(Address::local(beside.value().socket.fd.get()).host, "127.0.0.2");
  const auto elsewhere =
      status_config(options_of({"--status-host=127.0.0.3", "--status-port=0"}), none);
  EXPECT_EQ(Address::local(elsewhere.value().socket.fd.get()).host, "127.0.0.3");
}

TEST(ServiceTest, RefusesAStatusPortThatIsTheServices) {
  const Sockets sockets = bind_sockets(options_of({"--port=0"}));
  const std::string port = std::to_string(sockets.addresses.front().port);

  try {
    static_cast<void>(status_config(options_of({"--status-port=" + port}), sockets));
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_EQ(error.what(), "--status-port: expected another port than the service's, " + port);
  }
}

// Each option with a value that is not its default: what workers are told differs in its key.
TEST(ServiceTest, TellsWorkersEveryOptionAboutHttpUnderItsName) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"--keepalive-requests=7", R"("keepalive_requests":7)"},
      {"--header-map=refuse", R"("header_map":"refuse")"},
      {"--header-map=dangerous", R"("header_map":"dangerous")"},
      {"--server-header=", R"("server_header":"")"},
      {"--limit-request-line=1K", R"("limit_request_line":1024)"},
      {"--limit-header-count=8", R"("limit_header_count":8)"},
      {"--limit-headers=2K", R"("limit_headers":2048)"},
      {"--limit-body=1M", R"("limit_body":1048576)"},
      {"--max-connections=9", R"("max_connections":9)"},
      {"--header-timeout=0.5", R"("header_timeout":5E-1)"},
      {"--body-timeout=2", R"("body_timeout":2)"},
      {"--body-rate=1K", R"("body_rate":1024)"},
      {"--write-timeout=3", R"("write_timeout":3)"},
      {"--keepalive-timeout=4", R"("keepalive_timeout":4)"},
      {"--request-timeout=5", R"("request_timeout":5)"},
      {"--queue-timeout=6", R"("queue_timeout":6)"},
      {"--forwarded-allow-ips=unix", R"("forwarded_allow_ips":"unix")"},
      {"--proxy-protocol", R"("proxy_protocol":true)"},
      {"--request-id", R"("request_id":true)"},
      {"--access-log-file=/dev/null", R"("access_log_file":"/dev/null")"},
      {"--access-log-format=json", R"("access_log_format":"json")"},
      {"--log-level=error", R"("log_level":"error")"},
      {"--verbose", R"("log_level":"debug")"},
      {"--log-format=json", R"("log_format":"json")"},
      {"--coverage", R"("coverage":true)"},
      {"-c", R"("coverage":true)"},
      {"--sysinfo", R"("sysinfo":true)"},
  };

  for (const auto& [option, told] : cases) {
    const std::string settings = worker_settings(options_of({option}), {});
    EXPECT_NE(settings.find(told), std::string::npos) << option << ": " << settings;
  }
}

struct ServiceBackdoorTest : ::testing::Test {
  // What has been logged.
  [[nodiscard]] std::string logged() const {
    std::string text(4096, '\0');
    const ssize_t count = ::pread(file.get(), text.data(), text.size(), 0);
    text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return text;
  }

  TemporaryDirectory directory;
  UniqueFd file{::open((directory / "log").c_str(), O_RDWR | O_CREAT | O_APPEND, 0600)};
  Log log{file.get(), "supervisor"};
};

TEST_F(ServiceBackdoorTest, IsOffByDefault) {
  EXPECT_FALSE(bind_backdoor(options_of({}), log));
  EXPECT_EQ(logged(), "");
}

TEST_F(ServiceBackdoorTest, IsOnLoopbackAndKnownToLogAndWorkers) {
  const Options options = options_of({"--backdoor=0"});

  const auto socket = bind_backdoor(options, log);

  const Address address = Address::local(socket.value().fd.get());
  EXPECT_EQ(address.host, "127.0.0.1");
  EXPECT_NE(logged().find(" at " + address.to_string() + "\n"), std::string::npos) << logged();
  const std::string settings = worker_settings(options, address, "", address.to_string());
  EXPECT_NE(settings.find(R"("backdoor":")" + address.to_string() + '"'), std::string::npos);
}

TEST_F(ServiceBackdoorTest, IsForTheUserAloneWhateverTheUmask) {
  const std::string path = directory / "door";
  const mode_t before = ::umask(0);
  {
    const auto socket = bind_backdoor(options_of({"--backdoor=unix:" + path}), log);
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, mode_t{0600});
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(::umask(before), mode_t{0});
}

TEST_F(ServiceBackdoorTest, IsDoneWithoutWhereItCannotBe) {
  const auto first = bind_backdoor(options_of({"--backdoor=0"}), log);
  const std::string place = Address::local(first.value().fd.get()).to_string();

  EXPECT_FALSE(bind_backdoor(options_of({"--backdoor=" + place}), log));

  EXPECT_NE(logged().find("[warning] supervisor: --backdoor: cannot bind " + place +
                          ": the port is in use; the service goes on without it\n"),
            std::string::npos)
      << logged();
}

TEST(ServiceTest, TellsWorkersWhatFactoriesKnowOfReplacement) {
  const std::string settings = worker_settings(options_of({"--deadman=5", "--max-age=3600"}), {});

  EXPECT_NE(settings.find(R"("deadman_timeout":5,"max_age":3600,)"), std::string::npos) << settings;
}

TEST(ServiceTest, TellsWorkersWhereToPutWhatTheyMeasure) {
  const std::string settings = worker_settings(options_of({"-c"}), {}, "/tmp/here");

  EXPECT_NE(settings.find(R"("coverage_directory":"/tmp/here")"), std::string::npos) << settings;
}

// What is logged about the pages that these options bring.
std::string warning_of(const std::vector<std::string>& arguments,
                       const std::vector<Address>& addresses) {
  const TemporaryDirectory directory;
  const UniqueFd file{::open((directory / "log").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  warn_of_insight(Log{file.get(), "test"}, options_of(arguments), addresses);
  std::ifstream log{directory / "log"};
  const std::string text{std::istreambuf_iterator<char>{log}, {}};
  return text.substr(std::min(text.size(), text.find("test: ")));
}

TEST(ServiceTest, WarnsOfPagesThatOtherMachinesCanSee) {
  const std::vector<Address> open{{Family::ipv4, 8000, "127.0.0.1"}, {Family::ipv4, 80, "0.0.0.0"}};

  EXPECT_EQ(warning_of({"-c"}, open),
            "test: everybody who can reach 0.0.0.0:80 can see /_coverage, and in it the "
            "application's source\n");
  EXPECT_EQ(warning_of({"--sysinfo"}, open),
            "test: everybody who can reach 0.0.0.0:80 can see /_sysinfo\n");
  EXPECT_EQ(warning_of({"-c", "--sysinfo"}, open),
            "test: everybody who can reach 0.0.0.0:80 can see /_coverage, and in it the "
            "application's source, and /_sysinfo\n");
}

TEST(ServiceTest, DoesNotWarnWhereNobodyElseCanSeeThem) {
  const std::vector<Address> closed{{Family::ipv4, 80, "127.0.0.1"},
                                    {Family::ipv6, 80, "::1"},
                                    {Family::unix_path, 0, "/run/app.sock"}};

  EXPECT_EQ(warning_of({"-c", "--sysinfo"}, closed), "");
  EXPECT_EQ(warning_of({}, {{Family::ipv4, 80, "0.0.0.0"}}), "");
}

TEST(ServiceTest, TellsWorkersWhatMakesTheServiceReload) {
  const std::string settings = worker_settings(options_of({"-w", "a.ini", "-r", "dev"}), {});

  EXPECT_NE(settings.find(R"("watch":["a.ini"],"reload":"dev",)"), std::string::npos) << settings;
}

TEST(ServiceTest, SetsTheVariablesOfWorkersBesidesItsOwn) {
  const TemporaryDirectory build;
  std::filesystem::create_directories(build / "python/spawning");
  const Options options = options_of({"--env=A=1", "--env=PYTHONPATH=/x", "--env=B=2"});

  const auto in_a_build = worker_environment(options, build / "cli/spawn", "/inherited");
  const auto installed = worker_environment(options, "/usr/bin/spawn", "/inherited");

  const std::string python = build / "python";
  const std::vector<std::string> first{"A=1", "B=2", "PYTHONPATH=" + python + ":/x",
                                       "SPAWNING_PYTHONPATH_ADDED=" + python, "NOTIFY_SOCKET"};
  ASSERT_GT(in_a_build.size(), first.size());
  EXPECT_TRUE(std::equal(first.begin(), first.end(), in_a_build.begin()));
  EXPECT_EQ(std::vector<std::string>(installed.begin(), installed.begin() + 4),
            (std::vector<std::string>{"A=1", "PYTHONPATH=/x", "B=2", "NOTIFY_SOCKET"}));
}

TEST(ServiceTest, WatchesPathsWhereTheyStand) {
  const WatchConfig config = watch_config(
      options_of({"-w", "app.ini", "-w/etc/shop", "-w.", "-w../shared", "--watch-poll=0.5"}),
      "/srv/current");

  EXPECT_EQ(config.paths, (std::vector<std::string>{"/srv/current/app.ini", "/etc/shop",
                                                    "/srv/current/", "/srv/current/../shared"}));
  EXPECT_EQ(config.poll, std::chrono::milliseconds{500});
  EXPECT_FALSE(config.modules);
  EXPECT_TRUE(watch_config(options_of({"--reload=dev"}), "/").modules);
}

TEST(ServiceTest, BelievesWhereItWorksOnlyIfThatIsTrue) {
  const TemporaryDirectory directory;
  const std::string link = directory / "current";
  const std::string here = std::filesystem::current_path();
  std::filesystem::create_directory_symlink(here, link);

  EXPECT_EQ(working_directory(link), link);
  for (const std::string& wrong : {directory.path().string(), directory / "absent", "."s, ""s})
    EXPECT_EQ(working_directory(wrong), here) << wrong;
}

TEST(ServiceTest, AnnouncesItselfInOneLine) {
  EXPECT_EQ(banner(options_of({}), {{Family::ipv4, 8080, "0.0.0.0"}}, 1234),
            "spawning " SPAWNING_VERSION
            " serving http://127.0.0.1:8080/ — 4 processes × 4 threads, pid 1234");
}

TEST(ServiceTest, AnnouncesGreenlets) {
  EXPECT_EQ(banner(options_of({"-s1", "-t0"}), {{Family::ipv4, 8080, "127.0.0.1"}}, 1),
            "spawning " SPAWNING_VERSION
            " serving http://127.0.0.1:8080/ — 1 process × greenlets, pid 1");
}

TEST(ServiceTest, AnnouncesSeveralAddressesInOneLine) {
  EXPECT_EQ(banner(options_of({"-s1", "-t1"}),
                   {{Family::ipv6, 80, "::1"}, {Family::unix_path, 0, "/run/a"}}, 1),
            "spawning " SPAWNING_VERSION
            " serving http://[::1]:80/, unix:/run/a — 1 process × 1 thread, pid 1");
}

TEST(ServiceTest, FindsThePythonPackageOfABuildTree) {
  const TemporaryDirectory build;
  std::filesystem::create_directories(build / "python/spawning");

  EXPECT_EQ(build_tree_environment(build / "cli/spawn", "/mine"),
            (std::vector<std::string>{"PYTHONPATH=" + build / "python" + ":/mine",
                                      "SPAWNING_PYTHONPATH_ADDED=" + build / "python"}));
  EXPECT_EQ(build_tree_environment(build / "cli/spawn", "").front(),
            "PYTHONPATH=" + build / "python");
}

TEST(ServiceTest, LeavesTheEnvironmentAloneOutsideOfABuildTree) {
  EXPECT_TRUE(build_tree_environment("/usr/local/bin/spawn", "/mine").empty());
}

TEST(ServiceTest, HasAsManyProcessesAsThereIsRoomForIfItIsLeftToIt) {
  const Log log{STDERR_FILENO, "test", {.threshold = LogLevel::error}};
  const Options automatic = parse_options({"-s", "auto", "app"});

  EXPECT_TRUE(automatic.processes_auto);
  EXPECT_EQ(with_capacity(automatic, log).processes, capacity(affine_processors()).workers);
  EXPECT_EQ(with_capacity(parse_options({"-s", "7", "app"}), log).processes, 7U);
}

}  // namespace
}  // namespace spawning::cli
