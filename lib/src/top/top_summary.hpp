// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The figures of a service as a whole.

#include <vector>

#include "spawning/observed_status.hpp"
#include "spawning/top_view.hpp"
#include "top/styled_line.hpp"
#include "top/top_rates.hpp"

namespace spawning {

/// Who it is, what it does, its rates, its latest reload, and why workers were replaced.
[[nodiscard]] std::vector<StyledLine> top_summary(const ObservedStatus& now, const TopRates& rates,
                                                  const TopView& view);

}  // namespace spawning
