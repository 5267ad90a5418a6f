// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What has become of reloads.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "spawning/export.hpp"

namespace SPAWNING_EXPORT spawning {

/// What a new generation of workers has come to.
enum class ReloadVerdict : std::uint8_t {
  loading,     ///< nothing yet
  serving,     ///< it took over
  failed,      ///< it was discarded: one of its workers did not get ready, or none was started
  superseded,  ///< it was given up for a newer one, before there was anything to say
  stopped,     ///< …or because everything was to end
};

inline constexpr std::size_t kReloadVerdicts = static_cast<std::size_t>(ReloadVerdict::stopped) + 1;

/// "loading", "serving", "failed", "superseded", "stopped".
[[nodiscard]] const char* to_string(ReloadVerdict verdict);

/// One generation of workers, from when it was asked for; the first one, too.
struct Reload {
  using WallTime = std::chrono::system_clock::time_point;

  std::uint64_t generation = 0;
  std::string cause;  ///< "start", "SIGHUP", "/srv/app/views.py changed (and 3 more)"
  WallTime began;
  std::optional<WallTime> ended;  ///< when the verdict was in
  ReloadVerdict verdict = ReloadVerdict::loading;
  std::string summary;    ///< of a failure: one line, as in the log
  std::string traceback;  ///< of a failure: several lines; "" where the summary says it all
};

/// The latest reloads, newest last. Reads no clock.
///
/// \par Threads  A value; one thread at a time.
class ReloadHistory {
 public:
  using WallTime = Reload::WallTime;

  static constexpr std::size_t kMost = 8;  ///< that are kept: a traceback may have 64 KiB

  /// A generation is on its way. One that still loads is superseded by it.
  void begin(std::uint64_t generation, std::string cause, WallTime now);

  /// \name The verdict; ignored unless this generation is the one that loads.
  /// @{
  void serving(std::uint64_t generation, WallTime now);
  void failed(std::uint64_t generation, std::string summary, std::string traceback, WallTime now);
  /// @}

  /// A reload that no worker was started for. One that loads goes on.
  void refused(Reload reload);

  /// Nothing comes after it. A generation that still loads will not serve.
  void stop(WallTime now);

  [[nodiscard]] const std::deque<Reload>& all() const { return reloads_; }

  /// How many have come to that, forgotten ones too. The first generation is no reload.
  [[nodiscard]] std::uint64_t count(ReloadVerdict verdict) const {
    return counts_[static_cast<std::size_t>(verdict)];
  }

  /// The newest one, one under way included; null before the first.
  [[nodiscard]] const Reload* last() const;

  /// What another one needs to go on: for an archive, which is told each member.
  template <typename Archive, typename Self>
  static void fields(Archive& archive, Self& self) {
    archive("all", self.reloads_)("counts", self.counts_);
  }

 private:
  Reload* loading();
  void end(Reload& reload, ReloadVerdict verdict, WallTime now);
  Reload& add(Reload reload);

  std::deque<Reload> reloads_;
  std::array<std::uint64_t, kReloadVerdicts> counts_{};  // by verdict
};

}  // namespace spawning
