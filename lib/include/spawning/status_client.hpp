// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Asking a status server.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "spawning/asio.hpp"
#include "spawning/bytes.hpp"
#include "spawning/export.hpp"
#include "spawning/observed_status.hpp"

namespace SPAWNING_EXPORT spawning {

/// Where a status server is. A value.
struct StatusUrl {
  std::string host;  ///< a name, an IPv4 or an IPv6 address (no brackets)
  std::uint16_t port = 0;

  /// Reads `http://HOST:PORT`, `HOST:PORT`, `[IPV6]:PORT`, or `:PORT` and `PORT`, of this machine. Behind
  /// it may stand a path, which means nothing.
  /// \throws StartupError that says what was expected.
  [[nodiscard]] static StatusUrl parse(std::string_view text);

  /// "127.0.0.1:9080", "[::1]:9080".
  [[nodiscard]] std::string authority() const;
  /// "http://127.0.0.1:9080".
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const StatusUrl&, const StatusUrl&) = default;
};

/// Why there is no status.
struct StatusFailure {
  bool answered = false;  ///< somebody has, but not as a status server does
  std::string reason;     ///< a few words: "Connection refused", "it says 404 Not Found"
};

/// What became of asking.
using StatusAnswer = std::variant<ObservedStatus, StatusFailure>;

/// How patient a StatusClient is.
struct StatusClientOptions {
  std::chrono::milliseconds deadline{5000};  ///< from connecting to the end of the answer
  Bytes most{8 << 20};                       ///< of an answer's body
};

/// Asks a status server, over a connection a time. Trusts nothing that it is told.
///
/// \par Threads   Every member, and the callback, runs on the thread that runs the context.
/// \par Lifetime  The context outlives it. Once the destructor has begun the callback is not called.
class StatusClient {
 public:
  using Callback = std::function<void(const StatusAnswer&)>;

  /// Looks the host's name up, which may take seconds. \throws StartupError if it has no address.
  StatusClient(IoContext& context, StatusUrl url, StatusClientOptions options = {});
  ~StatusClient();

  StatusClient(const StatusClient&) = delete;
  StatusClient& operator=(const StatusClient&) = delete;

  /// Asks; `callback` is called once, at the latest at the deadline, and not before this returns.
  /// What was asked before is forgotten.
  void ask(Callback callback);

 private:
  struct SPAWNING_PRIVATE State;
  struct SPAWNING_PRIVATE Asking;
  std::unique_ptr<State> state_;
};

}  // namespace spawning
