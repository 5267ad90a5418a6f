// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// HTTP/1.x with one client.

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/proxy_header.hpp"
#include "net/active_state.hpp"
#include "net/handler_memory.hpp"
#include "net/poll_set.hpp"
#include "net/server_context.hpp"
#include "spawning/server.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning {

/// Reads requests, one at a time, gives each to the Handler when it is complete, and goes on when
/// it is answered: with the next one, or with a close that lets the client see the answer (RFC 9112
/// §9.6).
///
/// While a request is being answered the next one is awaited already, so that in the steady state a
/// request costs one recv and one send, and the I/O thread does not hear of the answer.
///
/// What only an active connection needs it gives back when it has been quiet for a while.
///
/// \par Threads   Everything here runs on the I/O thread; what answers is HttpExchange.
/// \par Lifetime  Alive while registered with its server, while something is posted, or while a
///                Responder is out.
class HttpConnection final : public std::enable_shared_from_this<HttpConnection>,
                             private Outbox::IoThread,
                             private HttpExchange::Connection,
                             private PollSet::Socket {
 public:
  /// \param before  what another Server knows of it, if it comes from one; without the socket.
  /// \param socket  non-blocking, for sendfile(2), which has no flag for it.
  HttpConnection(std::shared_ptr<ServerContext> server, UniqueFd socket,
                 HandedConnection before = {});

  /// Registers with the server and waits for the next request. \throws std::system_error
  void start();

  /// Ends the connection, or gives it away, as soon as no request is running on it.
  void drain();

  /// Leaves for another Server, and says whether it does: it must be idle, with nothing unsent.
  [[nodiscard]] bool move_away();

  /// Ends it now, whatever is running.
  void close();

  /// Of answers that are kept to be sent with the next one: sends them if the next one takes its time, or
  /// if they have been seen growing for several looks. Says whether there is nothing to wait for.
  [[nodiscard]] bool look_at_kept();

  /// One of its deadlines has passed.
  void expired(Deadlines::Kind kind);

  /// The request on which somebody works, also after close().
  [[nodiscard]] std::optional<RunningRequest> running(
      std::chrono::steady_clock::time_point now) const {
    return active_ ? active_->exchange.running(now) : std::nullopt;
  }

 private:
  /// A read needs at least this much room, or it is not worth its system call.
  static constexpr std::size_t kLeastRoom = 4 << 10;
  // Heads that are copied while many wait, and what of the next request may be read behind them.
  static constexpr std::size_t kLargestCopied = 2 << 10;
  static constexpr std::size_t kSpare = 128;
  /// So often a request may be passed on: each time it waits for a while and loses its place.
  static constexpr unsigned kMostMoves = 4;
  /// So often answers that are kept may be looked at before they are sent.
  static constexpr unsigned kMostLooks = 5;

  enum class Phase {
    head,    // reading, or waiting for, the head of a request
    body,    // reading its body
    busy,    // somebody is answering
    flush,   // the last response is queued; then linger
    linger,  // our end is shut; waiting for the client's
    closed,
  };

  // Reading.
  void ready(PollSet::Events events) override;
  void read();
  void on_input();
  void receive();
  [[nodiscard]] std::optional<std::span<char>> room();
  void on_read(std::span<char> octets);
  void look_for_end();
  void on_input_end(bool orderly);
  [[nodiscard]] bool make_room(std::size_t least);
  void save_memory();

  // Being active.
  void become_active();
  void rest();
  [[nodiscard]] bool nothing_read() const { return !active_ || active_->begin == active_->end; }
  [[nodiscard]] bool nothing_unsent() const { return !active_ || active_->outbox.empty(); }

  // Requests.
  void process();
  [[nodiscard]] bool take_proxy_header();  // whether to go on
  [[nodiscard]] bool parse_head();         // as take_proxy_header()
  void note_dropped();
  [[nodiscard]] bool begin_body();  // as take_proxy_header()
  void feed_body(std::string_view octets);
  void body_complete(std::string_view next);
  void dispatch();
  [[nodiscard]] bool next_is_here() const;
  [[nodiscard]] static bool is_safe(std::string_view method);  // RFC 9110 §9.2.1
  [[nodiscard]] TaggedRequest& tag();
  void refuse(const Refusal& refusal);
  void hand_back();  // the exchange is over
  void hold_up();
  void go_on();
  void check_request();
  [[nodiscard]] bool may_keep_alive();
  [[nodiscard]] bool left_while_waiting();
  void drop_request();
  [[nodiscard]] bool too_slow(std::chrono::steady_clock::time_point now) const;
  void look_again();
  void check_quiet();

  // Leaving.
  [[nodiscard]] bool leaving() const { return server_->draining; }
  [[nodiscard]] bool handing_over() const { return server_->handing_over(); }
  [[nodiscard]] bool request_begun() const;
  [[nodiscard]] bool body_is_apart() const;
  void carry_request();
  void leave();
  void hand_over(std::string octets = {});
  void leave_server();
  void leave_under_way();

  // Ending.
  void flush();
  void begin_close();
  void close_idle();
  void note_closed_under_way();
  void reset();

  void post_flush() override;
  void post_close() override;
  void post_kept() override;
  void watch_kept();
  void post_look() override;
  [[nodiscard]] bool portable() const override;
  void post(void (HttpConnection::*step)());  // from any thread

  // To the pool, on any thread.
  struct GiveBack {
    void operator()(ActiveState* state) const {
      std::destroy_at(state);
      pool->give_back(state);
    }
    SlotPool* pool;
  };

  std::shared_ptr<ServerContext> server_;
  UniqueFd socket_;  // empty once closed: the I/O thread ends it, wherever the object ends
  ConnectionInfo info_;
  std::unique_ptr<ProxyHeaderDecoder> proxy_header_;  // until it is decoded, where one is expected
  HandlerMemory posted_;
  std::unique_ptr<ActiveState, GiveBack> active_;  // null while it is idle
  ConnectionDeadline input_deadline_{*this};
  std::size_t requests_;  // so far, also elsewhere
  unsigned moves_;        // of the request that it came with, until it is answered
  bool proxied_;          // info_ is what a PROXY header says
  std::list<std::shared_ptr<HttpConnection>>::iterator registration_;
  Phase phase_ = Phase::head;
  bool reading_ = false;   // input is wanted
  bool readable_ = false;  // there may be some
  // A read that does not fill its room may not have taken all there is: of a UNIX socket it stops
  // behind what came with a descriptor. \see PollSet::Events::broken_up
  bool read_until_empty_;
  bool write_waiting_ = false;  // until there is room for output
  bool held_up_ = false;  // requests are here that wait until the client takes more of its answers
  bool input_ended_ = false;  // the client has shut its end
};

}  // namespace spawning
