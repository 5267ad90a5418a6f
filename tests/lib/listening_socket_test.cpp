// SPDX-License-Identifier: MIT
#include "spawning/listening_socket.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "spawning/error.hpp"
#include "support/temporary_directory.hpp"

namespace spawning {
namespace {

using test::TemporaryDirectory;

int option(const ListeningSocket& socket, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  return ::getsockopt(socket.fd.get(), level, name, &value, &length) == 0 ? value : -1;
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

// …and with which errno; 0 if it can.
int error_of(const std::string& address) {
  try {
    static_cast<void>(bind_listener(BindAddress::parse(address)));
  } catch (const BindError& error) {
    return error.code().value();
  }
  return 0;
}

// Bound and nothing else, as others leave them behind.
UniqueFd bind_unix(const std::string& path) {
  UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return socket;
}

UniqueFd begin_connecting(const ListeningSocket& to) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  EXPECT_EQ(::getsockname(to.fd.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  UniqueFd socket{::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  const int result = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), length);
  EXPECT_TRUE(result == 0 || errno == EINPROGRESS);
  return socket;
}

int tcp_state(const UniqueFd& socket) {
  tcp_info info{};
  socklen_t length = sizeof info;
  return ::getsockopt(socket.get(), IPPROTO_TCP, TCP_INFO, &info, &length) == 0 ? info.tcpi_state
                                                                                : -1;
}

TEST(ListeningSocketTest, ListensOnAPortThatTheKernelChooses) {
  const ListeningSocket socket = bind_listener(BindAddress::parse("127.0.0.1:0"));

  const Address address = Address::local(socket.fd.get());
  EXPECT_EQ(address.family, Address::Family::ipv4);
  EXPECT_EQ(address.host, "127.0.0.1");
  EXPECT_NE(address.port, 0);
  EXPECT_EQ(option(socket, SOL_SOCKET, SO_ACCEPTCONN), 1);
}

TEST(ListeningSocketTest, MakesSocketsCloseOnExecNonBlockingAndUndelayed) {
  const ListeningSocket socket = bind_listener(BindAddress::parse("127.0.0.1:0"));

  EXPECT_EQ(::fcntl(socket.fd.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_NE(::fcntl(socket.fd.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(option(socket, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option(socket, SOL_SOCKET, SO_REUSEADDR), 1);
}

TEST(ListeningSocketTest, TakesAHostName) { EXPECT_EQ(refusal("localhost:0"), ""); }

TEST(ListeningSocketTest, SaysThatThePortIsInUse) {
  const ListeningSocket socket = bind_listener(BindAddress::parse("127.0.0.1:0"));
  const std::string address = Address::local(socket.fd.get()).to_string();

  EXPECT_EQ(refusal(address), "cannot bind " + address + ": the port is in use");
  EXPECT_EQ(error_of(address), EADDRINUSE);
}

TEST(ListeningSocketTest, SaysThatTheAddressIsNotOurs) {
  EXPECT_EQ(refusal("192.0.2.1:0"),
            "cannot bind 192.0.2.1:0: the address is not one of this machine's");
}

TEST(ListeningSocketTest, SaysThatANameIsUnknown) {
  EXPECT_TRUE(
      refusal("nosuch.invalid:80").starts_with("cannot bind nosuch.invalid:80: unknown host name"));
}

TEST(ListeningSocketTest, SaysThatAPortIsPrivileged) {
  // A test that runs as root may bind any port, so a child without rights asks.
  EXPECT_EXIT(
      {
        if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(2);
        ::_exit(refusal("127.0.0.1:1").find("privileged") == std::string::npos &&
                !refusal("127.0.0.1:1").empty());  // some systems let everybody bind every port
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(ListeningSocketTest, ListensOnAUnixSocket) {
  const TemporaryDirectory directory;

  const ListeningSocket socket =
      bind_listener(BindAddress::parse("unix:" + directory / "app.sock"));

  EXPECT_EQ(Address::local(socket.fd.get()).to_string(), "unix:" + directory / "app.sock");
}

TEST(ListeningSocketTest, ReplacesAStaleSocketFile) {
  const TemporaryDirectory directory;
  const std::string address = "unix:" + directory / "app.sock";
  bind_unix(directory / "app.sock");

  EXPECT_EQ(refusal(address), "");
}

TEST(ListeningSocketTest, RefusesALiveUnixSocket) {
  const TemporaryDirectory directory;
  const std::string address = "unix:" + directory / "app.sock";
  const ListeningSocket live = bind_listener(BindAddress::parse(address));

  EXPECT_EQ(refusal(address), "cannot bind " + address + ": the socket is in use");
  EXPECT_EQ(error_of(address), EADDRINUSE);
}

TEST(ListeningSocketTest, GoesOnWithTheFileOfAnotherOne) {
  const TemporaryDirectory directory;
  const std::string path = directory / "app.sock";
  const ListeningSocket socket = bind_listener(BindAddress::parse("unix:" + path));

  { const SocketFile resumed{socket.file->identity()}; }

  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ListeningSocketTest, LeavesAFileAloneThatIsNotASocket) {
  const TemporaryDirectory directory;
  const std::string path = directory / "precious";
  std::ofstream{path} << "data";

  EXPECT_EQ(refusal("unix:" + path),
            "cannot bind unix:" + path + ": the file exists and is not a socket");
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(ListeningSocketTest, RefusesAPathThatASocketCannotHave) {
  EXPECT_NE(refusal("unix:/" + std::string(200, 'x')).find("too long"), std::string::npos);
  EXPECT_NE(refusal("unix:/nonexistent/app.sock").find("No such file"), std::string::npos);
}

TEST(ListeningSocketTest, AdoptsAnInheritedListener) {
  ListeningSocket inherited = bind_listener(BindAddress::parse("127.0.0.1:0"));
  const int fd = inherited.fd.get();
  ASSERT_EQ(::fcntl(fd, F_SETFD, 0), 0);

  const ListeningSocket socket =
      bind_listener(BindAddress::parse("fd://" + std::to_string(inherited.fd.release())));

  EXPECT_EQ(socket.fd.get(), fd);
  EXPECT_TRUE(socket.inherited);
  EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
}

TEST(ListeningSocketTest, RefusesADescriptorThatDoesNotListen) {
  const UniqueFd datagrams{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};

  EXPECT_NE(
      refusal("fd://" + std::to_string(datagrams.get())).find("not a listening stream socket"),
      std::string::npos);
  EXPECT_NE(refusal("fd://987654").find("not open"), std::string::npos);
}

TEST(ListeningSocketTest, RemovesTheFileThatItHasMade) {
  const TemporaryDirectory directory;

  static_cast<void>(bind_listener(BindAddress::parse("unix:" + directory / "app.sock")));

  EXPECT_FALSE(std::filesystem::exists(directory / "app.sock"));
}

TEST(ListeningSocketTest, LeavesAnotherFileThatHasTakenTheOnesPlace) {
  const TemporaryDirectory directory;
  const auto other = bind_listener(BindAddress::parse("unix:" + directory / "new.sock"));

  {
    const auto socket = bind_listener(BindAddress::parse("unix:" + directory / "app.sock"));
    std::filesystem::rename(directory / "new.sock", directory / "app.sock");
  }

  EXPECT_TRUE(std::filesystem::exists(directory / "app.sock"));
}

TEST(ListeningSocketTest, GivesItsFileAwayButNoOtherInItsPlace) {
  const TemporaryDirectory directory;
  const std::string path = directory / "app.sock";
  const ListeningSocket socket = bind_listener(BindAddress::parse("unix:" + path));
  const bool root = ::geteuid() == 0;
  const uid_t user = root ? 12345 : ::geteuid();
  const gid_t group = root ? 12346 : ::getegid();

  socket.file->give_to(user, group);

  struct stat status {};
  ASSERT_EQ(::lstat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, user);
  EXPECT_EQ(status.st_gid, group);
  std::filesystem::remove(path);
  std::ofstream{path} << "precious";
  EXPECT_THROW(socket.file->give_to(user, group), std::system_error);
  std::filesystem::remove(path);
  EXPECT_THROW(socket.file->give_to(user, group), std::system_error);
}

TEST(ListeningSocketTest, LeavesTheFileOfAnInheritedSocketAlone) {
  const TemporaryDirectory directory;
  bind_unix(directory / "app.sock");
  UniqueFd theirs = bind_unix(directory / "other.sock");
  ASSERT_EQ(::listen(theirs.get(), 8), 0);

  {
    auto socket = bind_listener(BindAddress::parse("fd://" + std::to_string(theirs.release())));
    EXPECT_EQ(socket.turn_newcomers_away(), std::error_code{});
  }

  EXPECT_TRUE(std::filesystem::exists(directory / "other.sock"));
}

TEST(ListeningSocketTest, KeepsNewcomersOutOfTheBacklogButLosesNoneWhoIsInIt) {
  ListeningSocket socket = bind_listener(BindAddress::parse("127.0.0.1:0"));
  const UniqueFd before = begin_connecting(socket);

  ASSERT_EQ(socket.turn_newcomers_away(), std::error_code{});

  const UniqueFd late = begin_connecting(socket);
  EXPECT_EQ(tcp_state(late), TCP_SYN_SENT);  // on the loopback nothing is under way any more
  EXPECT_EQ(tcp_state(before), TCP_ESTABLISHED);
  const UniqueFd accepted{::accept4(socket.fd.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  ASSERT_TRUE(accepted);
  ASSERT_EQ(::send(before.get(), "x", 1, 0), 1);  // what is accepted is not filtered
  char octet = 0;
  EXPECT_EQ(::recv(accepted.get(), &octet, 1, 0), 1);
  EXPECT_EQ(::accept4(socket.fd.get(), nullptr, nullptr, SOCK_CLOEXEC), -1);
}

TEST(ListeningSocketTest, NobodyFindsTheFileOfAUnixSocketThatTakesNobodyAnyMore) {
  const TemporaryDirectory directory;
  ListeningSocket socket = bind_listener(BindAddress::parse("unix:" + directory / "app.sock"));

  ASSERT_EQ(socket.turn_newcomers_away(), std::error_code{});

  EXPECT_FALSE(std::filesystem::exists(directory / "app.sock"));
  EXPECT_EQ(option(socket, SOL_SOCKET, SO_ACCEPTCONN), 1);
}

}  // namespace
}  // namespace spawning
