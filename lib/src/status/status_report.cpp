// SPDX-License-Identifier: MIT
#include "spawning/status_report.hpp"

#include <algorithm>

namespace spawning {

const char* to_string(ServicePhase phase) {
  switch (phase) {
    case ServicePhase::starting:
      return "starting";
    case ServicePhase::serving:
      return "serving";
    case ServicePhase::stopping:
      break;
  }
  return "stopping";
}

const char* WorkerReport::state() const {
  if (draining) return "draining";
  return serves ? "serving" : "loading";
}

unsigned StatusReport::ready() const {
  return static_cast<unsigned>(std::ranges::count(workers, true, &WorkerReport::serves));
}

}  // namespace spawning
