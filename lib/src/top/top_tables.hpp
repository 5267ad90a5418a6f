// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// What a service consists of at the moment: its workers, and the requests that run.

#include <vector>

#include "spawning/observed_status.hpp"
#include "spawning/top_view.hpp"
#include "top/styled_line.hpp"
#include "top/top_rates.hpp"

namespace spawning {

/// A row a worker, in the order that the view asks for.
[[nodiscard]] TextTable worker_table(const ObservedStatus& now, const TopRates& rates,
                                     WorkerOrder order);

/// A row a request, the oldest first.
[[nodiscard]] TextTable request_table(const std::vector<RequestSample>& requests);

}  // namespace spawning
