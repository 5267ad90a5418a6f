// SPDX-License-Identifier: MIT
/// \file
/// What bench/system/instructions.py counts the instructions of: known numbers of requests, one after the other.
///
/// A mark is a line about what follows, its name and number of requests, and a call of getpgid(2), which
/// nothing else here calls: there valgrind begins to count anew.

#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>

#include "spawning/server.hpp"
#include "spawning/worker_pool.hpp"
#include "support/one_connection.hpp"
#include "support/outside_client.hpp"
#include "support/sample_requests.hpp"

namespace spawning::bench {
namespace {

constexpr int kRounds = 3;
constexpr int kRequests = 1000;

void mark(std::string_view name, int requests) {
  std::cout << name << ' ' << requests << '\n' << std::flush;
  [[maybe_unused]] const pid_t group = ::getpgid(0);
}

// Of a generator that yields 16 blocks.
class Stream : public Handler {
 public:
  void handle(Request, Responder responder) override {
    const std::string block(1000, 'x');
    responder.start({});
    for (int i = 0; i < 16; ++i) responder.write(block);
    responder.finish();
  }
};

void drive(std::string_view name, Handler& handler, std::string_view request) {
  OneConnection connection{handler};
  const std::size_t length = connection.measure(request);
  for (int round = 0; round < kRounds; ++round) {
    mark(name, kRequests);
    for (int i = 0; i < kRequests; ++i) {
      connection.send(request);
      connection.receive(length);
    }
  }
  mark("-", 0);
}

void drive_pipelined(std::string_view name, Handler& handler, std::string_view request) {
  constexpr int kDepth = 16;
  OneConnection connection{handler};
  const std::size_t length = connection.measure(request) * kDepth;
  std::string requests;
  for (int i = 0; i < kDepth; ++i) requests += request;
  for (int round = 0; round < kRounds; ++round) {
    mark(name, kRequests);
    for (int i = 0; i < kRequests; i += kDepth) {
      connection.send(requests);
      connection.receive(length);
    }
  }
  mark("-", 0);
}

// With the hop to a donated thread and back. What a thread does depends on what the other one is about,
// so each request finds both at rest.
void drive_pool(std::string_view name, Handler& handler, std::string_view request,
                const std::string& client_program) {
  const Log log{STDERR_FILENO, "bench"};
  WorkerPool pool{handler, log};
  std::thread thread{[&pool] { pool.run(); }};
  {
    OneConnection connection{pool};
    OutsideClient client{connection, client_program, std::string{request}};
    client.ask(kRequests);
    for (int round = 0; round < kRounds; ++round) {
      mark(name, kRequests);
      client.ask(kRequests);
    }
    mark("-", 0);
  }
  pool.stop();
  thread.join();
}

}  // namespace
}  // namespace spawning::bench

int main(int /*count*/, char** arguments) {
  using namespace spawning::bench;
  const auto client = std::filesystem::path{arguments[0]}.replace_filename("request_client");
  Hello hello;
  Echo echo;
  Stream stream;
  drive("server-plain", hello, kPlainRequest);
  drive("server-hello", hello, kUsualRequest);
  drive_pipelined("server-pipelined", hello, kUsualRequest);
  drive("server-echo", echo, echo_request(16384));
  drive("server-stream", stream, kUsualRequest);
  drive_pool("server-pool", hello, kUsualRequest, client);
}
