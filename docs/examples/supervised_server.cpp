// SPDX-License-Identifier: MIT
// A service of two processes, which says what stands in a file. When the file changes, or on SIGHUP, both
// are replaced without a client noticing; a file that is empty changes nothing.
//
// usage: supervised_server FILE ADDRESS STATUS_ADDRESS
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>

#include "spawning/seat.hpp"
#include "spawning/supervisor.hpp"
#include "spawning/worker.hpp"

namespace {

class Teller final : public spawning::Handler {
 public:
  explicit Teller(std::string text) : text_{std::move(text)} {}

 private:
  void handle(spawning::Request, spawning::Responder responder) override {
    responder.respond(200, {{"Content-Type", "text/plain"}}, text_ + "\n");
  }

  std::string text_;
};

// The program in a worker: what takes its time, and may fail, is done before ready().
int work(spawning::Seat seat, const std::string& path) {
  spawning::Worker worker{std::move(seat)};
  if (worker.settings().empty()) return 0;  // it is to end already
  std::string text;
  std::getline(std::ifstream{path}, text);
  if (text.empty()) {
    worker.failed({.summary = path + " says nothing", .traceback = "", .files = {path}});
    return 1;
  }
  Teller teller{text};
  worker.ready(teller);
  worker.run();  // one thread is enough for this; any number may call it
  worker.wait();
  return 0;
}

// The same program, before it is started as a worker: never runs what a worker does.
int supervise(const std::string& path, const char* address, const char* status_address) {
  const spawning::Log log{STDERR_FILENO, "supervisor"};
  spawning::SupervisorConfig config;
  config.listeners.push_back(spawning::bind_listener(address));
  config.status.emplace(spawning::bind_listener(status_address), "example 1.0");
  config.worker_command = {std::filesystem::read_symlink("/proc/self/exe"), path};
  config.worker_settings = "{}";
  config.processes = 2;
  config.watch.paths = {path};
  const auto status = spawning::Address::local(config.status->socket.fd.get());
  spawning::Supervisor supervisor{std::move(config), log};
  supervisor.on_serving([&] { log.info("serving; status at " + status.url() + "status"); });
  return supervisor.run();
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (auto seat = spawning::Seat::take(); seat && count > 1)
      return work(*std::move(seat), arguments[1]);
    if (count > 3)
      return supervise(std::filesystem::absolute(arguments[1]), arguments[2], arguments[3]);
    std::cerr << "usage: supervised_server FILE ADDRESS STATUS_ADDRESS\n";
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
  }
  return 1;
}
