// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The request_client program at the other end of a connection.

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <string>
#include <system_error>

#include "support/loopback.hpp"
#include "support/one_connection.hpp"

namespace spawning::bench {

/// A process that sends requests over a connection. What it does is not counted with what we do.
class OutsideClient {
 public:
  /// \throws std::system_error
  OutsideClient(OneConnection& connection, std::string program, std::string request)
      : context_{connection.context()}, control_{context_} {
    auto [ours, its] = test::make_socketpair();
    std::string socket = std::to_string(kSocket), server = std::to_string(::getpid());
    std::array<char*, 5> arguments{
        program.data(), socket.data(), server.data(), request.data(), {}};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, its.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, its.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, connection.client().get(), kSocket);
    const int error =
        ::posix_spawn(&process_, program.c_str(), &actions, nullptr, arguments.data(), ::environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::system_error{error, std::generic_category(), program};
    control_.assign(ours.release());
  }

  /// It ends with its standard input.
  ~OutsideClient() {
    control_.close();
    ::waitpid(process_, nullptr, 0);
  }

  OutsideClient(const OutsideClient&) = delete;
  OutsideClient& operator=(const OutsideClient&) = delete;

  /// Runs the server's loop until so many requests have been answered. \throws std::system_error
  void ask(int times) {
    const std::string line = std::to_string(times) + "\n";
    if (::write(control_.native_handle(), line.data(), line.size()) < 0) throw_last_error("write");
    bool done = false;
    control_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                        [&done](auto) { done = true; });
    context_.restart();
    while (!done) context_.run_one();
    char octet = 0;
    if (::read(control_.native_handle(), &octet, 1) != 1)
      throw std::runtime_error{"the client has ended"};
  }

 private:
  static constexpr int kSocket = 3;

  IoContext& context_;
  boost::asio::posix::stream_descriptor control_;
  pid_t process_ = 0;
};

}  // namespace spawning::bench
