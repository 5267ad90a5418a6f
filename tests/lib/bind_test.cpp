// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "spawning/address.hpp"
#include "spawning/error.hpp"
#include "support/temporary_directory.hpp"

namespace spawning {
namespace {

using test::TemporaryDirectory;

int option(const UniqueFd& socket, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  return ::getsockopt(socket.get(), level, name, &value, &length) == 0 ? value : -1;
}

// Why the address cannot be bound; "" if it can.
std::string refusal(const std::string& address) {
  try {
    static_cast<void>(bind_listener(BindAddress::parse(address)));
  } catch (const StartupError& error) {
    return error.what();
  }
  return "";
}

TEST(BindTest, ListensOnAPortThatTheKernelChooses) {
  const UniqueFd socket = bind_listener(BindAddress::parse("127.0.0.1:0"));

  const Address address = Address::local(socket.get());
  EXPECT_EQ(address.family, Address::Family::ipv4);
  EXPECT_EQ(address.host, "127.0.0.1");
  EXPECT_NE(address.port, 0);
  EXPECT_EQ(option(socket, SOL_SOCKET, SO_ACCEPTCONN), 1);
}

TEST(BindTest, MakesSocketsCloseOnExecNonBlockingAndUndelayed) {
  const UniqueFd socket = bind_listener(BindAddress::parse("127.0.0.1:0"));

  EXPECT_EQ(::fcntl(socket.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_NE(::fcntl(socket.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option(socket, SOL_SOCKET, SO_REUSEADDR), 1);
}

TEST(BindTest, TakesAHostName) { EXPECT_EQ(refusal("localhost:0"), ""); }

TEST(BindTest, SaysThatThePortIsInUse) {
  const UniqueFd socket = bind_listener(BindAddress::parse("127.0.0.1:0"));
  const std::string address = Address::local(socket.get()).to_string();

  EXPECT_EQ(refusal(address), "cannot bind " + address + ": the port is in use");
}

TEST(BindTest, SaysThatTheAddressIsNotOurs) {
  EXPECT_EQ(refusal("192.0.2.1:0"),
            "cannot bind 192.0.2.1:0: the address is not one of this machine's");
}

TEST(BindTest, SaysThatANameIsUnknown) {
  EXPECT_TRUE(
      refusal("nosuch.invalid:80").starts_with("cannot bind nosuch.invalid:80: unknown host name"));
}

TEST(BindTest, SaysThatAPortIsPrivileged) {
  // A test that runs as root may bind any port, so a child without rights asks.
  EXPECT_EXIT(
      {
        if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(2);
        ::_exit(refusal("127.0.0.1:1").find("privileged") == std::string::npos &&
                !refusal("127.0.0.1:1").empty());  // some systems let everybody bind every port
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(BindTest, ListensOnAUnixSocket) {
  const TemporaryDirectory directory;

  const UniqueFd socket = bind_listener(BindAddress::parse("unix:" + directory / "app.sock"));

  EXPECT_EQ(Address::local(socket.get()).to_string(), "unix:" + directory / "app.sock");
}

TEST(BindTest, ReplacesAStaleSocketFile) {
  const TemporaryDirectory directory;
  const std::string address = "unix:" + directory / "app.sock";
  bind_listener(BindAddress::parse(address)).reset();

  EXPECT_EQ(refusal(address), "");
}

TEST(BindTest, RefusesALiveUnixSocket) {
  const TemporaryDirectory directory;
  const std::string address = "unix:" + directory / "app.sock";
  const UniqueFd live = bind_listener(BindAddress::parse(address));

  EXPECT_EQ(refusal(address), "cannot bind " + address + ": the socket is in use");
}

TEST(BindTest, LeavesAFileAloneThatIsNotASocket) {
  const TemporaryDirectory directory;
  const std::string path = directory / "precious";
  std::ofstream{path} << "data";

  EXPECT_EQ(refusal("unix:" + path),
            "cannot bind unix:" + path + ": the file exists and is not a socket");
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(BindTest, RefusesAPathThatASocketCannotHave) {
  EXPECT_NE(refusal("unix:/" + std::string(200, 'x')).find("too long"), std::string::npos);
  EXPECT_NE(refusal("unix:/nonexistent/app.sock").find("No such file"), std::string::npos);
}

TEST(BindTest, AdoptsAnInheritedListener) {
  UniqueFd inherited = bind_listener(BindAddress::parse("127.0.0.1:0"));
  const int fd = inherited.get();
  ASSERT_EQ(::fcntl(fd, F_SETFD, 0), 0);

  const UniqueFd socket =
      bind_listener(BindAddress::parse("fd://" + std::to_string(inherited.release())));

  EXPECT_EQ(socket.get(), fd);
  EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
}

TEST(BindTest, RefusesADescriptorThatDoesNotListen) {
  const UniqueFd datagrams{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};

  EXPECT_NE(
      refusal("fd://" + std::to_string(datagrams.get())).find("not a listening stream socket"),
      std::string::npos);
  EXPECT_NE(refusal("fd://987654").find("not open"), std::string::npos);
}

TEST(SocketFileTest, RemovesTheFileThatItOwns) {
  const TemporaryDirectory directory;
  const UniqueFd socket = bind_listener(BindAddress::parse("unix:" + directory / "app.sock"));

  { const SocketFile owner{directory / "app.sock"}; }

  EXPECT_FALSE(std::filesystem::exists(directory / "app.sock"));
}

TEST(SocketFileTest, LeavesAnotherFileThatHasTakenItsPlace) {
  const TemporaryDirectory directory;
  const UniqueFd first = bind_listener(BindAddress::parse("unix:" + directory / "app.sock"));
  const UniqueFd second = bind_listener(BindAddress::parse("unix:" + directory / "new.sock"));

  {
    const SocketFile owner{directory / "app.sock"};
    std::filesystem::rename(directory / "new.sock", directory / "app.sock");
  }

  EXPECT_TRUE(std::filesystem::exists(directory / "app.sock"));
}

}  // namespace
}  // namespace spawning
