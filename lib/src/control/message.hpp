// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a supervisor and a worker say to each other: values, and their form on a ControlChannel.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "spawning/request.hpp"

namespace spawning::control {

/// Supervisor → worker, first: load the application. The settings are JSON that nobody on the way
/// reads.
struct Configure {
  std::string settings;
  friend bool operator==(const Configure&, const Configure&) = default;
};

/// Supervisor → worker: start accepting.
struct Serve {
  friend bool operator==(const Serve&, const Serve&) = default;
};

/// Supervisor → worker: go on, but let answers announce the end of their connections: `Drain`
/// follows.
struct AnnounceClose {
  friend bool operator==(const AnnounceClose&, const AnnounceClose&) = default;
};

/// Supervisor → worker: stop accepting, finish what is running, exit; SIGKILL comes after
/// `deadline`, counted from the first time that this is said. With `hand_over` there are siblings who
/// go on with its connections; said again without it, there are none any more. With `as_long_again`
/// who has finished has `deadline` once more to exit.
struct Drain {
  std::chrono::milliseconds deadline{};
  bool hand_over = false;
  bool as_long_again = false;
  friend bool operator==(const Drain&, const Drain&) = default;
};

/// Worker → supervisor: the application is loaded; `Serve` is awaited. (That it drained, its exit
/// says.)
struct Ready {
  friend bool operator==(const Ready&, const Ready&) = default;
};

/// Worker → supervisor: the application cannot be loaded. \see LoadFailure
struct Failed {
  std::string summary, traceback;
  std::vector<std::string> files;
  friend bool operator==(const Failed&, const Failed&) = default;
};

/// Worker → supervisor: a request has run for longer than `limit`, so that its thread is as good as
/// lost. Serving goes on, but a successor would do it better. \see OverdueRequest
struct Overdue {
  std::chrono::milliseconds limit{};
  friend bool operator==(const Overdue&, const Overdue&) = default;
};

/// Worker → supervisor: somebody else told it to end, or it cannot go on. It serves until `Drain`
/// comes, behind all that was dealt to it.
struct Leaving {
  friend bool operator==(const Leaving&, const Leaving&) = default;
};

/// Supervisor → worker: you take too long, and are about to be killed: log what you are doing, and
/// say `Explained`. \see WorkerHandle::kill_once_explained
struct Explain {
  friend bool operator==(const Explain&, const Explain&) = default;
};

/// Worker → supervisor: it is logged.
struct Explained {
  friend bool operator==(const Explained&, const Explained&) = default;
};

/// Worker → supervisor, now and then: more files that the application was loaded from.
struct Modules {
  std::vector<std::string> add;
  friend bool operator==(const Modules&, const Modules&) = default;
};

/// What goes with the descriptor of a connection. \see HandedConnection
struct ConnectionState {
  std::uint64_t requests = 0;
  std::optional<ConnectionInfo> proxied{};
  std::string octets{};  ///< at most HandedConnection::kMostOctets
  unsigned moves = 0;
  friend bool operator==(const ConnectionState& a, const ConnectionState& b);
};

/// Worker → supervisor → another worker: go on with these. Their descriptors come with the message,
/// in the same order. At most ControlChannel::kMostDescriptors, and kMostOctets of their octets.
/// None at all: a worker that drains asks whether all that it gave away has been dealt out, because
/// some may come back; behind them the supervisor answers with the same.
struct Connections {
  std::vector<ConnectionState> states;
  std::vector<unsigned> to{};  ///< slots of workers who should take them; none: any who serves

  static constexpr std::size_t kMostOctets = 128 << 10;
  friend bool operator==(const Connections&, const Connections&) = default;
};

/// Supervisor → worker: write the access log to the descriptor that comes with this, from here on.
/// Before `Configure`, and whenever the file is opened anew.
struct AccessLogFile {
  friend bool operator==(const AccessLogFile&, const AccessLogFile&) = default;
};

/// Supervisor → worker: the descriptors that come with this, in this order, are standard output and
/// error from here on. When the files are opened anew, or a daemon leaves whoever has started it.
struct StandardStreams {
  bool output = false;
  bool errors = false;
  friend bool operator==(const StandardStreams&, const StandardStreams&) = default;
};

using Message =
    std::variant<Configure, Serve, AnnounceClose, Drain, Ready, Failed, Overdue, Leaving, Explain,
                 Explained, Modules, Connections, AccessLogFile, StandardStreams>;

/// The files in as many messages as it takes for each to fit a ControlChannel's line. A name that
/// is longer than any path can be is left out.
[[nodiscard]] std::vector<Modules> in_messages(std::vector<std::string> files);

/// The message as one line of JSON, without a newline. Of an overlong traceback the end is kept, of
/// an overlong summary the beginning, and of too many files the first ones, so that a `Failed`
/// always fits a ControlChannel's line.
[[nodiscard]] std::string encode(const Message& message);

/// The message that `line` says. Unknown fields are ignored; octets that are no UTF-8 are kept
/// (file names). Empty if the line is malformed or of an unknown type: the other end may be newer.
[[nodiscard]] std::optional<Message> decode(std::string_view line);

}  // namespace spawning::control
