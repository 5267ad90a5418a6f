// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// An HTTP response from whoever it is, octet by octet.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "spawning/bytes.hpp"

namespace spawning {

/// Reads one response and keeps its body. Knows no socket.
class AnswerReader {
 public:
  /// \param most  of the body.
  explicit AnswerReader(Bytes most);
  ~AnswerReader();

  AnswerReader(const AnswerReader&) = delete;
  AnswerReader& operator=(const AnswerReader&) = delete;

  /// Takes the next octets. True: there is nothing more to wait for, look at failure().
  [[nodiscard]] bool feed(std::string_view octets);

  /// The other side says no more.
  void end();

  /// In a few words what is wrong: it is no HTTP, too large, cut off, or not 200; "" if it is whole.
  [[nodiscard]] const std::string& failure() const { return failure_; }

  [[nodiscard]] const std::string& body() const;

 private:
  struct State;

  bool fail(std::string why);
  bool finish();

  std::unique_ptr<State> state_;
  std::string pending_;  // not parsed yet
  std::string failure_;
};

}  // namespace spawning
