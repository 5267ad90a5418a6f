// SPDX-License-Identifier: MIT
#include "service.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>

#include "spawning/capacity.hpp"
#include "spawning/error.hpp"

namespace spawning::cli {
namespace {

constexpr mode_t kOwnerOnly = 0177;
constexpr int kBackdoorBacklog = 16;

void bind_one(Sockets& sockets, const BindAddress& address, const std::string& option) {
  try {
    sockets.listeners.push_back(bind_listener(address));
  } catch (const StartupError& error) {
    throw StartupError{option + ": " + error.what()};
  }
  sockets.addresses.push_back(Address::local(sockets.listeners.back().fd.get()));
}

std::string counted(unsigned count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

bool is_loopback(const Address& address) {
  return address.host.starts_with("127.") || address.host == "::1";
}

using Milliseconds = std::chrono::milliseconds;

// Whole seconds as a whole number: 75, not 7.5E1.
boost::json::value seconds(Milliseconds time) {
  if (time.count() % 1000 == 0) return time.count() / 1000;
  return static_cast<double>(time.count()) / 1000;
}

const char* name_of(HeaderMap how) {
  switch (how) {
    case HeaderMap::refuse:
      return "refuse";
    case HeaderMap::dangerous:
      return "dangerous";
    case HeaderMap::drop:
      break;
  }
  return "drop";
}

boost::json::object http_settings(const HttpConfig& http) {
  return {
      {"keepalive_requests", http.keep_alive_requests},
      {"header_map", name_of(http.header_map)},
      {"server_header", http.server},
      {"limit_request_line", http.limits.request_line.count},
      {"limit_header_count", http.limits.header_count},
      {"limit_headers", http.limits.header_octets.count},
      {"limit_body", http.limits.body.count},
      {"max_connections", http.max_connections},
      {"header_timeout", seconds(http.timeouts.header)},
      {"body_timeout", seconds(http.timeouts.body)},
      {"body_rate", http.body_rate.count},
      {"write_timeout", seconds(http.timeouts.write)},
      {"keepalive_timeout", seconds(http.timeouts.idle)},
      {"request_timeout", seconds(http.request_timeouts.request)},
      {"queue_timeout", seconds(http.request_timeouts.queue)},
      {"forwarded_allow_ips", http.forwarded_allow.to_string()},
      {"proxy_protocol", http.proxy_protocol},
      {"request_id", http.request_id},
  };
}

}  // namespace

Sockets bind_sockets(const Options& options, const ServiceManager& manager) {
  if (options.umask) ::umask(*options.umask);
  Sockets sockets;
  for (const std::string& text : options.bind)
    bind_one(sockets, BindAddress::parse(text), "--bind");
  for (int i = 0; i < manager.sockets && options.bind.empty(); ++i) {
    BindAddress address;
    address.kind = BindAddress::Kind::inherited;
    address.fd = ServiceManager::kFirstSocket + i;
    bind_one(sockets, address, "LISTEN_FDS");
  }
  if (sockets.listeners.empty()) {
    BindAddress address;
    address.host = options.host;
    address.port = options.port;
    bind_one(sockets, address, "--host, --port");
  }
  return sockets;
}

std::optional<StatusConfig> status_config(const Options& options, const Sockets& sockets) {
  if (!options.status_port) return std::nullopt;
  BindAddress address;
  address.host = options.status_host.empty() ? options.host : options.status_host;
  address.port = *options.status_port;
  const auto has_that_port = [&address](const Address& each) {
    return address.port != 0 && each.port == address.port;
  };
  if (std::ranges::any_of(sockets.addresses, has_that_port))
    throw UsageError{"--status-port: expected another port than the service's, " +
                     std::to_string(address.port)};
  try {
    return StatusConfig{bind_listener(address), SPAWNING_VERSION};
  } catch (const StartupError& error) {
    throw StartupError{"--status-host, --status-port: " + std::string{error.what()}};
  }
}

Options with_capacity(Options options, const Log& log) {
  if (!options.processes_auto) return options;
  constexpr unsigned kMost = 1024;  // as --processes has it
  const Capacity room = capacity(affine_processors());
  options.processes = std::min(kMost, room.workers);
  options.processes_auto = false;
  if (options.restart_args.empty())  // else it has been said
    log.info("--processes auto: " + std::to_string(options.processes) +
             ", because of this: " + room.reason);
  return options;
}

LogOptions log_options(const Options& options) {
  const LogLevel otherwise = options.verbose ? LogLevel::debug : LogLevel::info;
  return {options.log_level.value_or(otherwise), options.log_format};
}

void log_status_address(const Log& log, const Address& address) {
  const std::string where = "status: " + address.url() + "status";
  if (is_loopback(address)) return log.info(where);
  log.warning(where +
              "; other machines may be able to see it: --status-host 127.0.0.1 prevents that");
}

void warn_of_insight(const Log& log, const Options& options,
                     const std::vector<Address>& addresses) {
  const auto is_open = [](const Address& each) {
    return each.family != Address::Family::unix_path && !is_loopback(each);
  };
  const auto open = std::ranges::find_if(addresses, is_open);
  if (open == addresses.end()) return;
  std::string pages;
  if (options.coverage) pages = "/_coverage, and in it the application's source";
  if (options.sysinfo) pages += pages.empty() ? "/_sysinfo" : ", and /_sysinfo";
  if (pages.empty()) return;
  log.warning("everybody who can reach " + open->to_string() + " can see " + pages);
}

Sockets adopt_sockets(const Options& options, Inheritance& inheritance) {
  if (options.umask) ::umask(*options.umask);
  Sockets sockets;
  sockets.listeners = inheritance.take_listeners();
  for (const ListeningSocket& listener : sockets.listeners)
    sockets.addresses.push_back(Address::local(listener.fd.get()));
  return sockets;
}

std::optional<StatusConfig> adopt_status(Inheritance& inheritance) {
  UniqueFd socket = inheritance.take_status_socket();
  if (!socket) return std::nullopt;
  return StatusConfig{ListeningSocket{.fd = std::move(socket)}, SPAWNING_VERSION};
}

std::optional<ListeningSocket> bind_backdoor(const Options& options, const Log& log) {
  if (!options.backdoor) return std::nullopt;
  const mode_t before = ::umask(kOwnerOnly);
  std::optional<ListeningSocket> socket;
  try {
    socket = bind_listener(*options.backdoor, kBackdoorBacklog);
    log.info("backdoor: a Python prompt for processes of this user and root at " +
             Address::local(socket->fd.get()).to_string());
  } catch (const std::exception& error) {
    log.warning("--backdoor: " + std::string{error.what()} + "; the service goes on without it");
  }
  ::umask(before);
  return socket;
}

std::vector<std::string> restart_command(std::vector<std::string> command) {
  if (command.size() > 2 && command[1] == "-z")
    command.erase(command.begin() + 1, command.begin() + 3);
  return command;
}

std::string worker_settings(const Options& options, const Address& address,
                            const std::string& coverage_directory, const std::string& backdoor) {
  const LogOptions log = log_options(options);
  const auto age = options.replacement.age;
  const boost::json::object ours{
      {"args", boost::json::array(options.arguments.begin(), options.arguments.end())},
      {"num_processes", options.processes},
      {"threadpool_workers", options.threads},
      {"green", options.green},
      {"worker_connections", options.worker_connections},
      {"hub_stall", seconds(options.hub_stall)},
      {"interpreters", options.interpreters},
      {"no_keepalive", !options.http.keep_alive},
      {"deadman_timeout", seconds(options.deadman)},
      {"max_age", age.count() == 0 ? boost::json::value{} : seconds(age)},
      {"access_log_file", options.access_log_file},
      {"access_log_format", options.access_log_format},
      {"log_level", std::string{to_string(log.threshold)}},
      {"log_format", std::string{to_string(log.style)}},
      {"pidfile",
       options.pidfile.empty() ? boost::json::value{} : boost::json::value(options.pidfile)},
      {"verbose", options.verbose},
      {"backdoor", backdoor.empty() ? boost::json::value{} : boost::json::value(backdoor)},
      {"watch", boost::json::array(options.watch.begin(), options.watch.end())},
      {"reload", options.reload_dev ? boost::json::value("dev") : boost::json::value(nullptr)},
      {"host", address.host},
      {"port", address.port},
      {"status_host", options.status_host.empty() ? options.host : options.status_host},
      {"status_port",
       options.status_port ? boost::json::value(*options.status_port) : boost::json::value{}},
      {"coverage", options.coverage},
      {"coverage_directory",
       coverage_directory.empty() ? boost::json::value{} : boost::json::value(coverage_directory)},
      {"sysinfo", options.sysinfo},
      {"http", http_settings(options.http)},
  };
  boost::json::object all{{"app_factory", "spawning.wsgi_factory.app_factory"}};
  if (!options.found.empty()) {
    boost::json::parse_options lenient;
    lenient.allow_invalid_utf8 = true;  // file names may be any octets
    all = boost::json::parse(options.found, {}, lenient).as_object();
  }
  for (const auto& [name, value] : ours) all.insert_or_assign(name, value);
  return boost::json::serialize(all);
}

std::string working_directory(const std::string& pwd) {
  std::error_code ignored;  // what does not lead anywhere does not lead here
  if (pwd.starts_with('/') && std::filesystem::equivalent(pwd, ".", ignored)) return pwd;
  return std::filesystem::current_path();
}

std::vector<std::string> without_service_manager() {
  return {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
          "LISTEN_PID",    "LISTEN_FDS",   "LISTEN_FDNAMES"};
}

std::vector<std::string> worker_environment(const Options& options, const std::string& executable,
                                            const std::string& python_path) {
  constexpr std::string_view kPath = "PYTHONPATH=";
  std::vector<std::string> variables = options.env;
  const auto given = std::ranges::find_if(
      variables, [kPath](const std::string& each) { return each.starts_with(kPath); });
  const std::string path = given == variables.end() ? python_path : given->substr(kPath.size());
  auto added = build_tree_environment(executable, path);
  if (!added.empty() && given != variables.end()) variables.erase(given);
  for (auto&& some : {std::move(added), without_service_manager()})
    variables.insert(variables.end(), some.begin(), some.end());
  return variables;
}

WatchConfig watch_config(const Options& options, const std::string& directory) {
  WatchConfig config;
  std::vector<std::string> paths = options.watch;
  paths.insert(paths.end(), options.sources.begin(), options.sources.end());
  for (const std::string& path : paths) {
    const std::filesystem::path whole = std::filesystem::path{directory} / path;
    const bool climbs = std::ranges::find(whole, "..") != whole.end();  // perhaps out of a symlink
    config.paths.push_back(climbs ? whole : whole.lexically_normal());
  }
  config.modules = options.reload_dev;
  config.poll = options.watch_poll;
  return config;
}

std::string banner(const Options& options, const std::vector<Address>& addresses, pid_t pid) {
  std::string urls;
  for (const Address& address : addresses) urls += (urls.empty() ? "" : ", ") + address.url();
  const std::string interpreters =
      options.interpreters == 0
          ? ""
          : counted(options.interpreters, "interpreter", "interpreters") + " × ";
  return "spawning " SPAWNING_VERSION " serving " + urls + " — " +
         counted(options.processes, "process", "processes") + " × " + interpreters +
         (options.threads == 0 ? "greenlets" : counted(options.threads, "thread", "threads")) +
         ", pid " + std::to_string(pid);
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
