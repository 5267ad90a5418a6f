// SPDX-License-Identifier: MIT
#include "net/deadlines.hpp"

namespace spawning {

Deadlines::Deadlines(const Durations& durations) : durations_{durations} {
  for (auto& list : lists_) list.previous_ = list.next_ = &list;
}

void Deadlines::arm(Node& node, Kind kind, Clock::time_point since) {
  disarm(node);
  const auto index = static_cast<std::size_t>(kind);
  Node& list = lists_[index];
  node.kind_ = kind;
  node.due_ = since + durations_[index];
  node.previous_ = list.previous_;
  node.next_ = &list;
  list.previous_->next_ = &node;
  list.previous_ = &node;
}

void Deadlines::disarm(Node& node) {
  if (!node.armed()) return;
  node.previous_->next_ = node.next_;
  node.next_->previous_ = node.previous_;
  node.previous_ = node.next_ = nullptr;
}

}  // namespace spawning
