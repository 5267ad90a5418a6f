// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// One answer of a WSGI application, from start_response to the last block.

#include <Python.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "gil.hpp"
#include "hub.hpp"
#include "spawning/responder.hpp"
#include "stated_head.hpp"
#include "wsgi_file.hpp"

namespace spawning::python {

/// What became of a block.
enum class Sent : std::uint8_t {
  ok,
  enough,  ///< as ok, but more would go nowhere: there is no body, or more of it than declared
  gone,    ///< the client has gone: there is no use in producing more
  failed,  ///< a Python exception is set
};

/// Passes an application's answer on to a Responder. The head is kept back until the first block
/// that is not empty, or the end, so that the application can still replace it.
///
/// A block is given to the connection at once. If much is unsent by then, the *next* block waits
/// for the client, without the GIL, or while other greenlets run: an application with nothing more to
/// say does not wait at all.
/// Octets beyond a declared Content-Length are cut, and logged, by the connection.
///
/// \par Threads  With the GIL held; the application may call from any thread, and they take turns.
/// \see PEP 3333, "Buffering and Streaming", "Handling the Content-Length Header"
class WsgiResponse {
 public:
  /// \param method  of the request: an answer to HEAD has no body.
  /// \param hub     of the greenlet that answers; nullptr: a thread does. Outlives the object.
  void begin(Responder responder, std::string_view method, Hub* hub = nullptr);

  /// start_response(status, headers, exc_info); `exc_info` may be nullptr or None. With exc_info it
  /// replaces a head that is not sent yet, and raises exc_info if it is; without, it may be called
  /// once, even if that failed.
  /// \returns false with an exception set.
  [[nodiscard]] bool state_head(const GilHeld& gil, PyObject* status, PyObject* headers,
                                PyObject* exc_info);

  /// early_hints(headers): sends 103 at once. Nothing happens if the client has gone, or speaks
  /// HTTP/1.0.
  /// \returns false with an exception set, RuntimeError once the head is sent.
  [[nodiscard]] bool send_hints(const GilHeld& gil, PyObject* headers);

  /// Sends one block, which must be a `bytes` object. \param length  the body's, if this is all of
  /// it.
  [[nodiscard]] Sent send(const GilHeld& gil, PyObject* block,
                          std::optional<std::uint64_t> length = std::nullopt);

  /// Sends a whole body that is in memory, without waiting for the client, and completes the
  /// response.
  [[nodiscard]] Sent send_whole(const GilHeld& gil, PyObject* const* blocks, std::size_t count);

  /// Sends a whole body that is in a file, and completes the response. Only before begun(). If the
  /// application has declared another length, that counts.
  [[nodiscard]] Sent send_file(const GilHeld& gil, WsgiFile file);

  /// Completes the response: sends the head if nothing has been sent.
  [[nodiscard]] Sent finish(const GilHeld& gil);

  /// Gives up what is left of the right to answer: 500 if nothing is sent, else the connection is
  /// broken off; nothing if the response is complete. The object is ready for the next begin().
  void end(const GilHeld& gil);

  /// Whether a part of the body has been sent.
  [[nodiscard]] bool begun() const { return responder_ && responder_->started(); }

  /// Whether a client that had gone was noticed while sending.
  [[nodiscard]] bool gone() const { return gone_; }

  /// Whether the application has given more than it had declared.
  [[nodiscard]] bool exceeded() const { return exceeded_; }

  /// Whether the client is known to have gone; true, too, once the request is over.
  [[nodiscard]] bool client_gone() const;

  /// Calls `notify` once, without the GIL, if the client goes before the end; nullptr: no more.
  /// \see Exchange::when_gone
  void when_gone(const GilHeld& gil, std::function<void()> notify);

 private:
  [[nodiscard]] bool ready_to_send(const GilHeld& gil);
  [[nodiscard]] bool start(std::optional<std::uint64_t> length);
  [[nodiscard]] bool respond(const GilHeld& gil, std::string_view body);
  [[nodiscard]] Sent write(const GilHeld& gil, std::string_view octets);
  [[nodiscard]] Sent count(std::size_t octets);
  [[nodiscard]] bool wait_for_client(const GilHeld& gil);
  [[nodiscard]] bool pause(const GilHeld& gil);

  Occupancy occupancy_;
  Hub* hub_ = nullptr;
  std::optional<Hub::Pause> pause_;  // while greenlets wait for the client
  std::optional<Responder> responder_;
  StatedHead head_;
  std::string joined_;                 // small blocks that are sent as one
  std::optional<std::uint64_t> left_;  // of the length that the head declares, once it is started
  bool called_ = false;                // start_response
  bool bodiless_ = false;              // known of the status once the head is started
  bool full_ = false;
  bool gone_ = false;
  bool exceeded_ = false;
};

}  // namespace spawning::python
