// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// Octets that end where readable memory ends.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "spawning/error.hpp"

namespace spawning::test {

/// Memory followed by a page that nobody may touch: who reads one octet too many, with vector
/// instructions too, dies on the spot.
class GuardedOctets {
 public:
  explicit GuardedOctets(std::size_t capacity) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    capacity_ = (capacity + page - 1) / page * page;
    mapped_ = capacity_ + page;
    void* const memory =
        ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw_last_error("mmap");
    memory_ = static_cast<char*>(memory);
    if (::mprotect(memory_ + capacity_, page, PROT_NONE) != 0) throw_last_error("mprotect");
  }
  ~GuardedOctets() { ::munmap(memory_, mapped_); }

  GuardedOctets(const GuardedOctets&) = delete;
  GuardedOctets& operator=(const GuardedOctets&) = delete;

  /// A copy of `octets` whose last one is the last before the guard. Replaces the copy before.
  [[nodiscard]] std::string_view place(std::string_view octets) {
    if (octets.size() > capacity_) throw std::length_error{"more octets than guarded memory"};
    char* const begin = memory_ + capacity_ - octets.size();
    std::copy(octets.begin(), octets.end(), begin);
    return {begin, octets.size()};
  }

 private:
  char* memory_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t mapped_ = 0;
};

}  // namespace spawning::test
