// SPDX-License-Identifier: MIT
#include "interpreters.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <utility>

#include "spawning/error.hpp"

namespace spawning::python {

Interpreters::Interpreters(unsigned count, SubInterpreter::Duty duty)
    : known_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)}, to_come_{count} {
  if (!known_) throw_last_error("eventfd");
  duty.turn = &turn_;
  all_.reserve(count);
  for (unsigned i = 0; i < count; ++i) {
    all_.push_back(std::make_unique<SubInterpreter>(duty, [this](SubInterpreter::Loaded how) {
      const bool last = to_come_.fetch_sub(1) == 1;
      // It fails only where the counter is full.
      if (last || how == SubInterpreter::Loaded::badly)
        static_cast<void>(::eventfd_write(known_.get(), 1));
    }));
  }
}

std::optional<LoadFailure> Interpreters::failure() const {
  for (const auto& each : all_) {
    if (each->loaded() == SubInterpreter::Loaded::badly) return each->failure();
  }
  return std::nullopt;
}

void Interpreters::serve() {
  for (const auto& each : all_) each->serve();
}

bool Interpreters::end() {
  bool well = true;
  for (const auto& each : all_) well = each->end() && well;
  return well;
}

void Interpreters::handle(Request request, Responder responder) {
  const auto current =
      std::ranges::find_if(all_, [](const auto& each) { return each->is_current(); });
  (*current)->handler().handle(std::move(request), std::move(responder));
}

}  // namespace spawning::python
