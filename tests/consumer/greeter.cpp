// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <string>
#include <utility>

#include "spawning/listening_socket.hpp"
#include "spawning/server.hpp"

class Greeter final : public spawning::Handler {
  void handle(spawning::Request request, spawning::Responder responder) override {
    const spawning::Header type{"Content-Type", "text/plain"};
    responder.respond({200, "OK", {&type, 1}}, "Hello from " + std::string{request.path} + "\n");
  }
};

int main(int count, char** arguments) {
  const char* where = count > 1 ? arguments[1] : "127.0.0.1:8000";
  auto socket = spawning::bind_listener(spawning::BindAddress::parse(where));
  const spawning::Log log{STDERR_FILENO, "greeter"};
  spawning::IoContext context{1};
  Greeter greeter;
  spawning::Server server{context, greeter, log};
  server.listen(std::move(socket.fd));

  boost::asio::signal_set signals{context, SIGINT, SIGTERM};
  signals.async_wait([&](auto, int) { server.drain([&context] { context.stop(); }); });
  context.run();
}
