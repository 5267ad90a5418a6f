// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The options, group by group. \see setting_groups()

#include <span>

#include "settings.hpp"

namespace spawning::cli {

[[nodiscard]] std::span<const Setting> server_settings();
[[nodiscard]] std::span<const Setting> http_settings();
[[nodiscard]] std::span<const Setting> limits_settings();
[[nodiscard]] std::span<const Setting> timeouts_settings();
[[nodiscard]] std::span<const Setting> replacement_settings();
[[nodiscard]] std::span<const Setting> proxies_settings();
[[nodiscard]] std::span<const Setting> reload_settings();
[[nodiscard]] std::span<const Setting> status_settings();
[[nodiscard]] std::span<const Setting> logs_settings();
[[nodiscard]] std::span<const Setting> insight_settings();
[[nodiscard]] std::span<const Setting> daemon_settings();
[[nodiscard]] std::span<const Setting> others_settings();

}  // namespace spawning::cli
