// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Deadlines of thousands of connections as a few FIFO lists.

#include <array>
#include <chrono>
#include <cstddef>

namespace spawning {

/// Keeps deadlines of a few kinds. All of one kind are equally long, so that the order of arming is
/// the order of expiry: arming, moving and disarming one are a few pointer assignments, whatever
/// their number.
///
/// An engine: it reads no clock and owns no timer. Whoever owns it calls sweep() now and then; a
/// deadline is met late by at most the time between two sweeps.
///
/// \par Lifetime  A Node is disarmed before it is destroyed.
class Deadlines {
 public:
  using Clock = std::chrono::steady_clock;

  enum class Kind : unsigned {
    header,       ///< the head of a request, from its first octet
    body,         ///< the next octets of a body
    quiet,        ///< since a request was dispatched: look whether the connection has become idle
    idle,         ///< the next request
    farewell,     ///< the first request, while no server will be there for it soon
    write,        ///< the client takes no octet
    linger,       ///< the client is to close after our last octet
    half_closed,  ///< the client has shut its end while its request is being answered
    request,      ///< since a request was dispatched: look whether it takes too long
    recheck,      ///< look again soon
  };
  static constexpr std::size_t kKinds = 10;
  using Durations = std::array<Clock::duration, kKinds>;

  /// A member of whatever has a deadline.
  class Node {
   public:
    Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    [[nodiscard]] bool armed() const { return next_ != nullptr; }
    [[nodiscard]] Kind kind() const { return kind_; }

   private:
    friend class Deadlines;
    Node* previous_ = nullptr;
    Node* next_ = nullptr;
    Clock::time_point due_{};
    Kind kind_ = Kind::header;
  };

  explicit Deadlines(const Durations& durations);
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;

  /// Arms `node`, or arms it anew.
  /// \param since  when its time began; usually now. An earlier `since` is met at the latest when
  ///               those armed before it are.
  void arm(Node& node, Kind kind, Clock::time_point since);
  void disarm(Node& node);

  /// Disarms every node that is due and calls `expired(node, kind)` for it, which may arm and
  /// disarm.
  template <typename Expired>
  void sweep(Clock::time_point now, Expired expired) {
    for (auto& list : lists_) {
      while (list.next_ != &list && list.next_->due_ <= now) {
        Node& node = *list.next_;
        disarm(node);
        expired(node, node.kind_);
      }
    }
  }

 private:
  Durations durations_;
  std::array<Node, kKinds> lists_;  // each the head of a circular list
};

}  // namespace spawning
