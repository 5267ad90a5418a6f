// SPDX-License-Identifier: MIT
#include "spawning/status_server.hpp"

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

#include "spawning/config.hpp"
#include "spawning/server.hpp"
#include "status/status_page.hpp"

namespace spawning {
namespace {

// Few clients, small requests, and none of them is a proxy.
HttpConfig modest() {
  HttpConfig config;
  config.limits.body = 1_KiB;
  config.timeouts.header = std::chrono::seconds{10};
  config.forwarded_allow = TrustedProxies::parse("");
  config.max_connections = 100;
  return config;
}

}  // namespace

struct StatusServer::State : std::enable_shared_from_this<StatusServer::State> {
  State(IoContext& context, StatusSources sources, const Log& log)
      : sample{std::move(sources.sample)},
        timer{context},
        page{std::move(sources.report), history},
        server{context, page, log, modest()} {}

  void take_samples() {
    history.add(sample(), std::chrono::steady_clock::now());
    timer.expires_after(StatusHistory::kStep);
    timer.async_wait([weak = weak_from_this()](boost::system::error_code error) {
      const auto self = weak.lock();
      if (self && !error) self->take_samples();
    });
  }

  const std::function<StatusSample()> sample;
  StatusHistory history;
  boost::asio::steady_timer timer;
  StatusPage page;
  Server server;
};

StatusServer::StatusServer(IoContext& context, UniqueFd socket, StatusSources sources,
                           const Log& log)
    : state_{std::make_shared<State>(context, std::move(sources), log)} {
  state_->server.listen(std::move(socket));
  state_->take_samples();
}

StatusServer::~StatusServer() = default;

}  // namespace spawning
