// SPDX-License-Identifier: MIT
// Prints the path of whatever changes among the files and directories that it is given.
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include "spawning/file_watcher.hpp"

int main(int count, char** arguments) {
  const spawning::Log log{STDERR_FILENO, "watch"};
  spawning::IoContext context{1};
  const auto tell = [](const std::vector<std::string>& paths) {
    for (const std::string& each : paths) std::cout << each << '\n' << std::flush;
  };
  spawning::FileWatcher watcher{context, tell, log};
  watcher.add({arguments + 1, arguments + count});
  log.info("watching");

  boost::asio::signal_set signals{context, SIGINT, SIGTERM};
  signals.async_wait([&context](auto, int) { context.stop(); });
  context.run();
}
