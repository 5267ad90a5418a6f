// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A Worker from the inside.

#include <unistd.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "control/message.hpp"
#include "spawning/access_log.hpp"
#include "spawning/asio.hpp"
#include "spawning/call_queue.hpp"
#include "spawning/control_channel.hpp"
#include "spawning/green_pool.hpp"
#include "spawning/log.hpp"
#include "spawning/scoreboard.hpp"
#include "spawning/server.hpp"
#include "spawning/worker.hpp"
#include "spawning/worker_pool.hpp"
#include "worker/console.hpp"
#include "worker/departures.hpp"
#include "worker/hub_watch.hpp"
#include "worker/relief.hpp"
#include "worker/worker_observer.hpp"

namespace spawning {

/// The control channel, and the Server once there is one, on the I/O thread; threads of the
/// application come through the pool.
struct Worker::State {
  explicit State(Seat&& inherited);
  ~State();

  // On the I/O thread.
  void receive(std::string_view line, std::vector<UniqueFd> descriptors);
  void serve();
  void leave();
  void drain(bool hand_over);
  void await_drained();
  void drained();
  void dealt_out();
  void adopt(control::Connections connections, std::vector<UniqueFd> sockets) const;
  [[nodiscard]] bool give_away(HandedConnection& connection);
  void orphaned();
  void end();
  void overdue(const OverdueRequest& request);
  void explain();
  void take_access_log(std::vector<UniqueFd> descriptors);
  void take_streams(const control::StandardStreams& streams,
                    const std::vector<UniqueFd>& descriptors);
  [[nodiscard]] bool log_to_output();
  void use_access_log_file(std::optional<LogFormat> format);
  void log_accesses(LogFormat format);
  [[nodiscard]] bool may_accept();
  void look_at_the_backlog_later();
  void settle_in();

  void make_pool(Handler& application, const std::optional<GreenOptions>& greenlets);
  void run_on_io(std::function<void()> task);

  Seat seat;
  Log log{STDERR_FILENO, "worker", seat.log};
  UniqueFd finished;  // an eventfd
  Console console;
  Scoreboard scoreboard;
  ScoreboardSlot& slot;
  std::optional<AccessLog> access_log;  // made before the server
  WorkerObserver observer{slot, log, [this](const OverdueRequest& request) { overdue(request); }};
  IoContext io{1};
  boost::asio::executor_work_guard<IoContext::executor_type> guard{io.get_executor()};

  std::mutex mutex;
  std::condition_variable changed;
  std::optional<std::string> settings;
  bool ended = false;
  std::optional<std::chrono::steady_clock::time_point> killed_at;  // if it has ended

  // Made by ready(), before the I/O thread hears of it; and as what it is, the other one is null.
  std::unique_ptr<CallQueue> pool;
  WorkerPool* thread_pool = nullptr;
  GreenPool* green_pool = nullptr;
  std::optional<HubWatch> hub_watch;  // of green_pool
  std::function<void(std::chrono::steady_clock::duration)> on_hub_stall;
  std::atomic<bool> accept_paused{false};
  std::function<void(const OverdueRequest&)> on_overdue;

  // The I/O thread's own.
  std::function<void()> on_last_words;
  UniqueFd access_log_file;     // until there is an access log
  bool logs_to_output = false;  // lines about accesses, wherever that leads
  std::unique_ptr<Server> server;
  std::unique_ptr<ControlChannel> channel;
  boost::asio::steady_timer backlog_timer{io};
  boost::asio::steady_timer patience_with_supervisor{io};  // while it leaves
  boost::asio::steady_timer settling{io};  // while connections come from those that it replaces
  bool keeps_out = false;                  // new connections, while the threads are busy
  unsigned accept_anyway = 0;              // of which it takes so many, however busy they are
  std::chrono::milliseconds request_timeout{0};
  bool leaving = false;  // the supervisor knows
  bool draining = false;
  bool hands_over = false;  // its connections to siblings, while it drains
  std::optional<std::chrono::steady_clock::time_point> deadline;  // for that; the supervisor's
  std::optional<std::chrono::milliseconds> time_again;            // …to exit once it has drained
  bool ending = false;
  bool unfit = false;  // a thread is lost; the supervisor knows
  Departures departures{io, channel};
  std::optional<Relief> relief;  // made by ready(), as the pool

  std::thread thread;
};

}  // namespace spawning
