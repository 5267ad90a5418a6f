// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The requests on which a process works, in memory that another one reads while it is stuck.

#include <pthread.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spawning/export.hpp"
#include "spawning/request.hpp"

namespace SPAWNING_EXPORT spawning {

/// A request on which a thread works, as RunningRequests lists it.
struct ListedRequest {
  std::string method{};   ///< its first 16 octets
  std::string path{};     ///< the first 160 octets of Request::target
  bool path_cut = false;  ///< there was more of it
  std::string client{};   ///< "192.0.2.1:4711", "unix:/run/app.sock"; of a host the first 56 octets
  unsigned thread = 0;    ///< a small number that the thread keeps
  std::chrono::steady_clock::time_point began{};
};

/// What one thread works on. Neither who writes nor who reads ever waits, and nobody sees parts of
/// two requests: a sequence lock.
///
/// \par Threads  One writes at a time; any number read, in other processes too.
/// \see H.-J. Boehm, "Can Seqlocks Get Along With Programming Language Memory Models?", 2012
class alignas(64) RunningPlace {
 public:
  /// Shows `request` until end(). Views are copied.
  void begin(const Request& request, std::chrono::steady_clock::time_point now);
  void end() { began_.store(0, std::memory_order_release); }

  /// None if there is no request, or the writer died, or was stopped, while it wrote.
  /// \param thread  whose place this is.
  [[nodiscard]] std::optional<ListedRequest> read(unsigned thread) const;

 private:
  using Word = std::atomic<std::uint64_t>;
  template <std::size_t Octets>
  using Text = std::array<Word, Octets / sizeof(Word)>;

  struct Facts;

  std::atomic<std::uint64_t> version_{0};  // odd while begin() writes
  std::atomic<std::int64_t> began_{0};     // nanoseconds of the steady clock; 0: no request
  Word facts_{0};
  Text<16> method_{};
  Text<56> client_{};
  Text<160> path_{};
};

/// One process's requests, a place a thread. Memory that is all zero is an empty list, and the pages
/// of places that no thread has ever had cost nothing.
struct alignas(64) RunningRequests {
  /// What further threads do is not listed.
  static constexpr std::size_t kMost = 128;

  std::atomic<std::uint32_t> used{0};  ///< no place from here on has ever been anybody's
  std::array<RunningPlace, kMost> places{};

  /// Those that run now, by thread.
  [[nodiscard]] std::vector<ListedRequest> list() const;

  /// A place for somebody who writes: it is looked at from here on. \param index  below kMost
  [[nodiscard]] RunningPlace& claim(std::size_t index);

  /// The process is gone, and whatever it was at.
  void clear();
};

/// The writing side: gives each thread of this process a place of its own, at its first request and
/// for good.
/// \par Threads   Any.
/// \par Lifetime  `shared` outlives it.
class RunningPublisher {
 public:
  explicit RunningPublisher(RunningRequests& shared) : shared_{shared} {}

  /// The calling thread's place. nullptr: there is none left.
  [[nodiscard]] RunningPlace* place();

  /// While it lives, `request` is listed as what this thread, or greenlet, works on.
  class Turn {
   public:
    /// \param publisher  nullptr: nothing is listed.
    Turn(RunningPublisher* publisher, const Request& request);
    /// \param place  of whoever works on it; nullptr: it is not listed.
    Turn(RunningPlace* place, const Request& request);
    ~Turn() {
      if (place_ != nullptr) place_->end();
    }

    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    RunningPlace* place_;
  };

 private:
  RunningRequests& shared_;
  // Whose place is whose: no two threads that live have the same id.
  std::array<std::atomic<pthread_t>, RunningRequests::kMost> owners_{};
};

}  // namespace spawning
