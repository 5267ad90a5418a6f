// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What the workers of each generation are told.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace spawning {

/// Keeps the settings that serve until newer ones do: a worker that dies is replaced by one that is
/// told the same, whatever a reload that failed has brought.
///
/// \par Threads  A value; one thread at a time.
class Plans {
 public:
  struct Plan {
    std::string settings;
    unsigned processes = 0;

    template <typename Archive, typename Self>
    static void fields(Archive& archive, Self& self) {
      archive("settings", self.settings)("processes", self.processes);
    }
  };

  /// Of so many generations; of more the oldest, which serves, and the newest ones are kept.
  static constexpr std::size_t kMost = 8;

  /// For this generation and later ones.
  void begin(std::uint64_t generation, Plan plan);

  /// This generation serves: those before it are over.
  void serving(std::uint64_t generation);

  /// The one that a generation goes by. There is one.
  [[nodiscard]] const Plan& of(std::uint64_t generation) const;

  /// The one that serves, or is the first to.
  [[nodiscard]] const Plan& current() const { return plans_.begin()->second; }

  /// The one begun last.
  [[nodiscard]] const Plan& newest() const { return plans_.rbegin()->second; }

  [[nodiscard]] bool empty() const { return plans_.empty(); }

  /// What another one needs to go on. \see archived_types.hpp
  template <typename Archive, typename Self>
  static void fields(Archive& archive, Self& self) {
    archive("plans", self.plans_);
  }

 private:
  std::map<std::uint64_t, Plan> plans_;  // by the first generation
};

}  // namespace spawning
