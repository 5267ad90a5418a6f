// SPDX-License-Identifier: MIT
#include "spawning/service_manager.hpp"

#include <gtest/gtest.h>

#include <map>

#include "spawning/error.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;

ServiceManager manager_of(const std::map<std::string, std::string>& variables) {
  return ServiceManager::of(
      [&variables](const char* name) {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
      },
      4711);
}

TEST(ServiceManagerTest, WantsAndGivesNothingByDefault) {
  const ServiceManager manager = manager_of({});

  EXPECT_EQ(manager.notify_socket, "");
  EXPECT_EQ(manager.watchdog, 0us);
  EXPECT_EQ(manager.sockets, 0);
}

TEST(ServiceManagerTest, SaysWhereItListensAndWhatItExpects) {
  const ServiceManager manager = manager_of({{"NOTIFY_SOCKET", "/run/systemd/notify"},
                                             {"WATCHDOG_PID", "4711"},
                                             {"WATCHDOG_USEC", "30000000"},
                                             {"LISTEN_PID", "4711"},
                                             {"LISTEN_FDS", "2"},
                                             {"LISTEN_FDNAMES", "http:admin"}});

  EXPECT_EQ(manager.notify_socket, "/run/systemd/notify");
  EXPECT_EQ(manager.watchdog, 30s);
  EXPECT_EQ(manager.sockets, 2);
}

TEST(ServiceManagerTest, LeavesToOthersWhatIsAddressedToThem) {
  const ServiceManager manager = manager_of({{"WATCHDOG_PID", "1"},
                                             {"WATCHDOG_USEC", "30000000"},
                                             {"LISTEN_PID", "1"},
                                             {"LISTEN_FDS", "2"}});

  EXPECT_EQ(manager.watchdog, 0us);
  EXPECT_EQ(manager.sockets, 0);
}

TEST(ServiceManagerTest, TakesNoSocketsThatAreAddressedToNobody) {
  EXPECT_EQ(manager_of({{"LISTEN_FDS", "2"}}).sockets, 0);
  EXPECT_EQ(manager_of({{"WATCHDOG_USEC", "5"}}).watchdog,
            5us);  // that is how systemd says: to all
}

TEST(ServiceManagerTest, NamesTheVariableThatIsMalformed) {
  try {
    static_cast<void>(manager_of({{"LISTEN_PID", "4711"}, {"LISTEN_FDS", "many"}}));
    FAIL();
  } catch (const StartupError& error) {
    EXPECT_STREQ(error.what(), "LISTEN_FDS: expected a number from 0 to 1024, not \"many\"");
  }
  EXPECT_THROW(static_cast<void>(manager_of({{"WATCHDOG_USEC", "-1"}})), StartupError);
}

}  // namespace
}  // namespace spawning
