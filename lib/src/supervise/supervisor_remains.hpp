// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a Supervisor needs to go on in another program of the same process.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "spawning/file_watcher.hpp"
#include "spawning/listening_socket.hpp"
#include "spawning/reload_history.hpp"
#include "spawning/restarts.hpp"
#include "supervise/fleet.hpp"
#include "supervise/plans.hpp"
#include "supervise/recycling.hpp"
#include "supervise/trouble_report.hpp"
#include "supervise/worker_handle.hpp"

namespace spawning {

/// What is known of a worker process, from Spawn until it has ended.
struct WorkerRecord {
  WorkerDescription description{};
  std::optional<Fleet::Time> serves_since{};  ///< while it serves
  std::chrono::system_clock::time_point started = std::chrono::system_clock::now();
  std::uint64_t dealt = 0;  ///< connections, so far
  bool served = false;
  bool leaving = false;  ///< by itself
  bool draining = false;
  bool handing_over = false;  ///< while it drains
  bool finished = false;      ///< has drained, and only has to end
  bool killed = false;
};

/// A Pidfile as its descriptor and its path.
struct HeldPidfile {
  int lock = -1;
  std::string path{};
};

/// A ListeningSocket as its descriptor, and what its file is, if it has one.
struct HeldSocket {
  int fd = -1;
  bool inherited = false;
  std::optional<SocketFile::Identity> file{};
};

/// A value; descriptors are numbers.
struct SupervisorRemains {
  using Listener = HeldSocket;
  struct Worker {
    WorkerRecord record{};
    WorkerHandle::Remains handle{};
  };

  pid_t pid = 0;  ///< of the supervisor
  bool serves = false;
  int scoreboard = -1;
  std::vector<Listener> listeners{};
  std::optional<Listener> console{};
  Fleet fleet{{}};
  std::map<WorkerId, Worker> workers{};
  Recycling recycling{{}};
  ReloadHistory reloads{};
  std::string reload_cause{};
  std::uint64_t newest_generation = 0;
  std::chrono::system_clock::time_point started{};  ///< the service
  Restarts restarts{};                              ///< of workers
  int status_socket = -1;
  std::optional<HeldPidfile> pidfile{};
  FileWatcher::Remains watched{};
  Plans plans{};                            ///< empty in what older programs leave
  std::optional<std::string> reload_asked;  ///< …for, but not begun yet: the cause
};

/// …as text.
struct WrittenRemains {
  std::string text{};
  std::vector<int> descriptors{};  ///< that must stay open for it to be of use
  int scoreboard = -1;             ///< one of them, of which there may be versions, too
};

/// \see read_remains
[[nodiscard]] WrittenRemains write_remains(const SupervisorRemains& remains);

/// Reads what write_remains() wrote, in this version of it or in an older one.
/// \param descriptors  gets those that the value owns, if given.
/// \throws StartupError that says what is wrong with the text.
[[nodiscard]] SupervisorRemains read_remains(std::string_view text,
                                             std::vector<int>* descriptors = nullptr);

}  // namespace spawning
