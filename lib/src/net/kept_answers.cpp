// SPDX-License-Identifier: MIT
#include "net/kept_answers.hpp"

#include <utility>

#include "net/http_connection.hpp"

namespace spawning {

void KeptAnswers::watch(std::weak_ptr<HttpConnection> connection) {
  const bool first = watched_.empty();
  watched_.push_back(std::move(connection));
  if (first) wait();
}

void KeptAnswers::wait() {
  timer_.expires_after(kBetweenLooks);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->look();
  });
}

void KeptAnswers::look() {
  std::erase_if(watched_, [](const auto& each) {
    const auto connection = each.lock();
    return !connection || connection->look_at_kept();
  });
  if (!watched_.empty()) wait();
}

}  // namespace spawning
