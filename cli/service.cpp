// SPDX-License-Identifier: MIT
#include "service.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>

#include "spawning/error.hpp"

namespace spawning::cli {
namespace {

void bind_one(Sockets& sockets, const BindAddress& address, const std::string& option) {
  try {
    sockets.listeners.push_back(bind_listener(address));
  } catch (const StartupError& error) {
    throw StartupError{option + ": " + error.what()};
  }
  if (address.kind == BindAddress::Kind::unix_path) sockets.files.emplace_back(address.host);
  sockets.addresses.push_back(Address::local(sockets.listeners.back().get()));
}

std::string counted(unsigned count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

}  // namespace

Sockets bind_sockets(const Options& options) {
  Sockets sockets;
  for (const std::string& text : options.bind)
    bind_one(sockets, BindAddress::parse(text), "--bind");
  if (options.bind.empty()) {
    BindAddress address;
    address.host = options.host;
    address.port = options.port;
    bind_one(sockets, address, "--host, --port");
  }
  return sockets;
}

std::string worker_settings(const Options& options, const Address& address) {
  return boost::json::serialize(boost::json::object{
      {"app_factory", "spawning.wsgi_factory.app_factory"},
      {"args", boost::json::array(options.arguments.begin(), options.arguments.end())},
      {"num_processes", options.processes},
      {"threadpool_workers", options.threads},
      {"no_keepalive", options.no_keepalive},
      {"verbose", options.verbose},
      {"host", address.host},
      {"port", address.port},
  });
}

std::string banner(const Options& options, const std::vector<Address>& addresses, pid_t pid) {
  std::string urls;
  for (const Address& address : addresses) urls += (urls.empty() ? "" : ", ") + address.url();
  return "spawning " SPAWNING_VERSION " serving " + urls + " — " +
         counted(options.processes, "process", "processes") + " × " +
         counted(options.threads, "thread", "threads") + ", pid " + std::to_string(pid);
}

std::vector<std::string> build_tree_environment(const std::string& executable,
                                                const std::string& python_path) {
  const auto build = std::filesystem::path{executable}.parent_path().parent_path();
  const std::string added = build / "python";
  std::error_code ignored;  // what cannot be looked at is not there
  if (!std::filesystem::is_directory(build / "python" / "spawning", ignored)) return {};
  return {"PYTHONPATH=" + (python_path.empty() ? added : added + ":" + python_path),
          "SPAWNING_PYTHONPATH_ADDED=" + added};
}

}  // namespace spawning::cli
