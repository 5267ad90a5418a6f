// SPDX-License-Identifier: MIT
#include "service.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "spawning/error.hpp"
#include "support/temporary_directory.hpp"

namespace spawning::cli {
namespace {

using test::TemporaryDirectory;
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
  EXPECT_EQ(sockets.addresses[0], Address::local(sockets.listeners[0].get()));
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

TEST(ServiceTest, TellsWorkersTheirSettingsWithSpawningsNames) {
  const Options options =
      parse_options({"-s2", "-t3", "--no-keepalive", "shop.app", "shop.\"wrap\""});

  EXPECT_EQ(
      worker_settings(options, {Family::ipv4, 4711, "127.0.0.1"}),
      R"({"app_factory":"spawning.wsgi_factory.app_factory","args":["shop.app","shop.\"wrap\""],)"
      R"("num_processes":2,"threadpool_workers":3,"no_keepalive":true,"verbose":false,)"
      R"("host":"127.0.0.1","port":4711})");
}

TEST(ServiceTest, AnnouncesItselfInOneLine) {
  EXPECT_EQ(banner(options_of({}), {{Family::ipv4, 8080, "0.0.0.0"}}, 1234),
            "spawning " SPAWNING_VERSION
            " serving http://127.0.0.1:8080/ — 4 processes × 4 threads, pid 1234");
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

}  // namespace
}  // namespace spawning::cli
