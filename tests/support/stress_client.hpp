// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// A client with a mind of its own, and what its requests ask for.

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "spawning/unique_fd.hpp"

namespace spawning::test {

using Random = std::mt19937;

/// A number from `least` to `most`.
[[nodiscard]] std::size_t pick(Random& random, std::size_t least, std::size_t most);

[[nodiscard]] std::uint32_t checksum(std::string_view octets);

/// The body that answers the request for `target`, whose own body has the checksum `sum`: both, and
/// as much filling as the target asks for ("/kind/id?octets").
[[nodiscard]] std::string expected_answer(std::string_view target, std::uint32_t sum);

/// Sends a random sequence of requests over its own blocking-free socket, in random pieces, reads
/// the answers in random pieces, and checks each of them: it belongs to its request, it is whole,
/// and it stands in its place.
///
/// The kind of answer is the first part of a request's path: two letters, who answers (`i` the I/O
/// thread, `p` the pool) and how (see kKinds in the source).
class StressClient {
 public:
  enum class Manner : std::uint8_t {
    polite,       // reads everything, then closes
    half_closes,  // shuts its sending end behind its last request
    leaves,       // closes in the middle
    resets,       // as leaves, rudely
    stays,        // reads everything, and waits for the server to close
  };

  StressClient(UniqueFd socket, std::string name, std::uint32_t seed, bool naps);

  /// Sends some, or reads some, or neither. \param draining  the server may close between answers.
  void step(bool draining);

  [[nodiscard]] bool done() const { return !socket_; }
  /// Everything is answered, and only the server's close is missing.
  [[nodiscard]] bool waits_for_close() const {
    return manner_ == Manner::stays && next_ == asked_.size();
  }
  [[nodiscard]] bool was_polite() const {
    return manner_ != Manner::leaves && manner_ != Manner::resets;
  }
  /// What went wrong; empty if nothing did.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  [[nodiscard]] std::string state() const;

 private:
  struct Asked {
    std::string target;
    std::string method;
    std::string kind;
    std::uint32_t sum = 0;
    std::size_t end = 0;  // in output_
  };

  void add_request(std::size_t number, bool last);
  void add_body(Asked& asked);
  void send_some();
  void receive_some(bool draining);
  void read_answers(bool ended);
  bool read_answer(bool ended);
  void on_end(bool draining);
  void close(bool rudely);
  void fail(const std::string& what);

  UniqueFd socket_;
  std::string name_;
  Random random_;
  Manner manner_;
  bool naps_;
  std::chrono::steady_clock::time_point asleep_until_{};
  std::vector<Asked> asked_;
  std::string output_;
  std::size_t sent_ = 0;
  std::size_t leave_at_ = 0;  // octets sent before it leaves
  std::size_t window_ = 1;    // requests it sends ahead
  bool shut_ = false;
  std::string input_;
  std::size_t next_ = 0;     // of asked_: the one whose answer comes next
  bool broken_off_ = false;  // the server has announced that nothing more will come
  std::string trouble_;
};

}  // namespace spawning::test
