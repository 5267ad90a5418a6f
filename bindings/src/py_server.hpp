// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// An InProcessServer as Python sees it.

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "gil.hpp"
#include "spawning/in_process_server.hpp"
#include "spawning/log.hpp"
#include "wsgi_handler.hpp"

namespace spawning::python {

/// Owns a WsgiHandler and the InProcessServer that it answers for.
///
/// \par Threads   With the GIL held; whatever waits releases it.
/// \par Lifetime  A thread in serve_requests() keeps it alive.
class PyServer {
 public:
  /// Raises OSError if it cannot listen, ValueError and TypeError for what cannot be meant.
  PyServer(const pybind11::object& application, const std::string& host, std::uint16_t port,
           bool multithread, const pybind11::dict& http,
           const std::optional<std::string>& access_log_format);
  ~PyServer();

  PyServer(const PyServer&) = delete;
  PyServer& operator=(const PyServer&) = delete;

  /// Answers requests on the calling thread until there is nothing left to do.
  void serve_requests();

  /// \param patience  seconds. \see InProcessDrain
  void drain(bool newcomers, double patience);
  void stop();
  [[nodiscard]] int fileno() const { return server_->finished_fd(); }

  /// \name For one thread. \see GoneClients
  /// @{
  [[nodiscard]] int attention() { return handler_->gone_clients().fileno(); }
  [[nodiscard]] bool attend() { return handler_->gone_clients().attend(GilHeld::by_caller()); }
  /// @}

  void let_go_in_child() { server_->let_go_in_child(); }

  [[nodiscard]] std::uint16_t port() const { return server_->address().port; }
  [[nodiscard]] std::string url() const { return server_->address().url(); }

 private:
  Log log_;
  std::unique_ptr<WsgiHandler> handler_;
  std::unique_ptr<InProcessServer> server_;  // calls it, so it goes first
};

/// Adds `Server` to a module.
void define_server(pybind11::module_& module);

}  // namespace spawning::python
