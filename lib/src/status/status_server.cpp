// SPDX-License-Identifier: MIT
#include "spawning/status_server.hpp"

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

struct StatusServer::State {
  State(IoContext& context, std::function<StatusReport()> report, const Log& log)
      : page{std::move(report)}, server{context, page, log, modest()} {}

  StatusPage page;
  Server server;
};

StatusServer::StatusServer(IoContext& context, UniqueFd socket,
                           std::function<StatusReport()> report, const Log& log)
    : state_{std::make_unique<State>(context, std::move(report), log)} {
  state_->server.listen(std::move(socket));
}

StatusServer::~StatusServer() = default;

}  // namespace spawning
