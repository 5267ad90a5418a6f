// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <string>

#include "spawning/server.hpp"

class Greeter final : public spawning::Handler {
  void handle(spawning::Request request, spawning::Responder responder) override {
    responder.respond(200, {{"Content-Type", "text/plain"}},
                      "Hello from " + std::string{request.path} + "\n");
  }
};

int main(int count, char** arguments) {
  const spawning::Log log{STDERR_FILENO, "greeter"};
  spawning::IoContext context{1};
  Greeter greeter;
  spawning::Server server{context, greeter, log};
  server.listen(spawning::bind_listener(count > 1 ? arguments[1] : "127.0.0.1:8000"));
  server.run();
}
