// SPDX-License-Identifier: MIT
#include "supervise/service_notifier.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <memory>

#include "spawning/unique_fd.hpp"
#include "support/run_until.hpp"
#include "support/temporary_directory.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;

struct ServiceNotifierTest : ::testing::Test {
  // Listens as a service manager does.
  void listen(const std::string& name) {
    manager_socket.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(::bind(manager_socket.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    manager.notify_socket = name;
  }

  // The next message; "" if there is none.
  [[nodiscard]] std::string heard() const {
    std::array<char, 1000> octets{};
    const ssize_t count = ::recv(manager_socket.get(), octets.data(), octets.size(), 0);
    return count < 0 ? "" : std::string(octets.data(), static_cast<std::size_t>(count));
  }

  ServiceNotifier notifier() {
    return ServiceNotifier{context, manager, log, [this] {
                             ++asked;
                             return healthy;
                           }};
  }

  std::string logged() {
    std::ifstream file{directory / "log"};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  const test::TemporaryDirectory directory;
  IoContext context{1};
  UniqueFd manager_socket;
  ServiceManager manager;
  UniqueFd log_file{::open((directory / "log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  Log log{log_file.get(), "test"};
  bool healthy = true;
  int asked = 0;
};

TEST_F(ServiceNotifierTest, TellsHowTheServiceIs) {
  listen(directory / "notify");
  auto notifier = this->notifier();

  notifier.ready("4 workers serve");
  EXPECT_EQ(heard(), "READY=1\nSTATUS=4 workers serve");
  notifier.stopping();
  EXPECT_EQ(heard(), "STOPPING=1\nSTATUS=stopping");
}

TEST_F(ServiceNotifierTest, SaysSinceWhenItReloads) {
  listen(directory / "notify");
  auto notifier = this->notifier();
  const auto before = std::chrono::steady_clock::now().time_since_epoch();

  notifier.reloading();

  const std::string message = heard();
  const std::string begin = "RELOADING=1\nMONOTONIC_USEC=";
  ASSERT_TRUE(message.starts_with(begin)) << message;
  const std::chrono::microseconds said{std::stoll(message.substr(begin.size()))};
  EXPECT_GE(said, std::chrono::duration_cast<std::chrono::microseconds>(before));
  EXPECT_LE(said, std::chrono::steady_clock::now().time_since_epoch());
}

TEST_F(ServiceNotifierTest, FindsAManagerWithAnAbstractAddress) {
  listen("@spawning-test-" + std::to_string(::getpid()));
  auto notifier = this->notifier();

  notifier.ready("well");

  EXPECT_EQ(heard(), "READY=1\nSTATUS=well");
}

TEST_F(ServiceNotifierTest, FeedsTheWatchdogWhileTheServiceIsHealthy) {
  listen(directory / "notify");
  manager.watchdog = 20ms;
  auto notifier = this->notifier();

  EXPECT_TRUE(test::run_until(context, [&] { return heard() == "WATCHDOG=1"; }));
  EXPECT_TRUE(test::run_until(context, [&] { return heard() == "WATCHDOG=1"; }));
  healthy = false;
  asked = 0;
  while (!heard().empty()) {
  }
  EXPECT_TRUE(test::run_until(context, [&] { return asked >= 2; }));
  EXPECT_EQ(heard(), "");
}

TEST_F(ServiceNotifierTest, SaysNothingWithoutAManager) {
  manager.watchdog = 1ms;
  auto notifier = this->notifier();

  notifier.ready("well");
  context.run();  // returns: no watchdog is to be fed

  EXPECT_EQ(logged(), "");
}

TEST_F(ServiceNotifierTest, WarnsOnceWhenTheManagerCannotBeReached) {
  manager.notify_socket = directory / "nobody";
  auto notifier = this->notifier();

  notifier.ready("well");
  const std::string warning = logged();
  notifier.stopping();

  EXPECT_NE(warning.find("NOTIFY_SOCKET " + manager.notify_socket + ": No such file"),
            std::string::npos)
      << warning;
  EXPECT_EQ(logged(), warning);
}

TEST_F(ServiceNotifierTest, WarnsOfAnAddressThatIsNone) {
  manager.notify_socket = "vsock:2:1234";
  auto notifier = this->notifier();

  notifier.ready("well");

  EXPECT_NE(logged().find("NOTIFY_SOCKET vsock:2:1234: Address family"), std::string::npos);
}

}  // namespace
}  // namespace spawning
