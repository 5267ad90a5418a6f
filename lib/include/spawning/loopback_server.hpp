// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A server for tests of HTTP clients, whose answers go wrong when and as a test wants it. In a library
/// of its own: the CMake target spawning::testing.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "spawning/config.hpp"
#include "spawning/export.hpp"
#include "spawning/handler.hpp"

namespace SPAWNING_EXPORT spawning {
namespace SPAWNING_EXPORT testing {

/// What becomes of an answer on its way to the client. A value; what is set in it counts together.
struct Fault {
  enum class End : std::uint8_t {
    none,
    close,  ///< no more octets come: an orderly end, to the kernel
    reset,  ///< TCP's RST; octets that the client has not read yet may be lost
  };

  std::chrono::milliseconds delay{0};  ///< from the first octet being there to its being sent
  std::size_t octets = 0;              ///< that are sent at a time; 0: as they come
  std::chrono::milliseconds pause{0};  ///< behind each of those times
  End end = End::none;                 ///< what the connection comes to, before the answer is over
  /// After so many octets of the body, as they are sent: chunks have their framing. Empty: before the
  /// first octet of the head. An answer that has no more is whole, and its connection ends behind it;
  /// to one that has less nothing happens.
  std::optional<std::uint64_t> after{};

  /// \name One thing each.
  /// @{
  [[nodiscard]] static Fault delayed(std::chrono::milliseconds delay) { return {.delay = delay}; }
  [[nodiscard]] static Fault slow(std::size_t octets, std::chrono::milliseconds pause) {
    return {.octets = octets, .pause = pause};
  }
  [[nodiscard]] static Fault truncated(std::uint64_t after) {
    return {.end = End::close, .after = after};
  }
  [[nodiscard]] static Fault reset(std::optional<std::uint64_t> after = std::nullopt) {
    return {.end = End::reset, .after = after};
  }
  /// @}
};

/// An HTTP server on a free port of 127.0.0.1, for as long as it is in scope, with an I/O thread of its
/// own. Its answers are those of a Server; each takes the next fault of the script, if there is one.
///
/// A request whose answer comes to grief has been handled: only its client does not know. Of requests
/// that are pipelined the answers may share a fault; and where a Server breaks a connection off with a
/// reset, because nothing else would tell that a body without a length is not whole, it is an orderly
/// end here: script that with Fault::reset().
///
/// \par Threads   Every member is safe from any thread. The Handler is called on the I/O thread, where
///                nothing may block; it may answer later, from any thread.
/// \par Lifetime  The Handler outlives it; Responders that have been kept do not. The destructor closes
///                what is open.
class LoopbackServer {
 public:
  /// Serves from here on.
  /// \throws std::system_error if there are no descriptors, ports or threads left.
  explicit LoopbackServer(Handler& handler, const HttpConfig& config = {});
  explicit LoopbackServer(FunctionHandler::Function function, const HttpConfig& config = {});
  ~LoopbackServer();

  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;

  /// "http://127.0.0.1:4711/x?y=z"
  [[nodiscard]] std::string url(std::string_view target = "/") const;

  /// The script's next line: what becomes of the answer to the next request that no earlier line is for.
  /// Fault{}: nothing, it arrives as it is; and so do all behind the last line.
  void next(const Fault& fault);

  /// That have come to the Handler so far.
  [[nodiscard]] std::size_t requests() const;

 private:
  struct SPAWNING_PRIVATE State;
  std::unique_ptr<State> state_;
};

}  // namespace testing
}  // namespace spawning
