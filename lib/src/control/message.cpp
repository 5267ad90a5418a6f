// SPDX-License-Identifier: MIT
#include "control/message.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <climits>
#include <cstdint>

namespace spawning::control {
namespace {

namespace json = boost::json;

// Escaping makes six octets of one at worst, so a Failed is below 6 * 144 KiB < 1 MiB.
constexpr std::size_t kLongestSummary = 16 << 10;
constexpr std::size_t kLongestTraceback = 64 << 10;
constexpr std::size_t kMostOctetsOfFiles = 64 << 10;
static_assert(6 * Connections::kMostOctets < std::size_t{800} << 10);

// The end of a traceback is what names the error; it begins with a whole line.
std::string_view tail(std::string_view text, std::size_t longest) {
  if (text.size() <= longest) return text;
  text.remove_prefix(text.size() - longest);
  const std::size_t newline = text.find('\n');
  return newline == std::string_view::npos ? text : text.substr(newline + 1);
}

json::value to_json(const Configure& message) {
  return {{"type", "configure"}, {"settings", message.settings}};
}

json::value to_json(const Serve&) { return {{"type", "serve"}}; }

json::value to_json(const AnnounceClose&) { return {{"type", "announce_close"}}; }

json::value to_json(const Drain& message) {
  return {{"type", "drain"},
          {"deadline_ms", message.deadline.count()},
          {"hand_over", message.hand_over},
          {"as_long_again", message.as_long_again}};
}

json::value to_json(const Ready&) { return {{"type", "ready"}}; }

// What a file name takes: the quotes and the comma, too.
std::size_t octets_of(const std::string& file) { return file.size() + 3; }

json::value to_json(const Failed& message) {
  json::array files;
  std::size_t room = kMostOctetsOfFiles;
  for (const std::string& file : message.files) {
    if (octets_of(file) > room) break;
    room -= octets_of(file);
    files.emplace_back(file);
  }
  return {{"type", "failed"},
          {"summary", std::string_view{message.summary}.substr(0, kLongestSummary)},
          {"traceback", tail(message.traceback, kLongestTraceback)},
          {"files", std::move(files)}};
}

json::value to_json(const Overdue& message) {
  return {{"type", "overdue"}, {"limit_ms", message.limit.count()}};
}

json::value to_json(const Leaving&) { return {{"type", "leaving"}}; }

json::value to_json(const Explain&) { return {{"type", "explain"}}; }

json::value to_json(const Explained&) { return {{"type", "explained"}}; }

json::value to_json(const Modules& message) {
  return {{"type", "modules"}, {"add", json::array(message.add.begin(), message.add.end())}};
}

json::value to_json(const Address& address) {
  return {static_cast<int>(address.family), address.host, address.port};
}

json::value to_json(const Connections& message) {
  json::array states;
  for (const ConnectionState& state : message.states) {
    json::object object{{"requests", state.requests}};
    if (state.proxied) {
      object["peer"] = to_json(state.proxied->peer);
      object["local"] = to_json(state.proxied->local);
    }
    if (!state.octets.empty()) object["octets"] = state.octets;
    if (state.moves > 0) object["moves"] = state.moves;
    states.push_back(std::move(object));
  }
  json::object object{{"type", "connections"}, {"states", std::move(states)}};
  if (!message.to.empty()) object["to"] = json::array(message.to.begin(), message.to.end());
  return object;
}

json::value to_json(const AccessLogFile&) { return {{"type", "access_log_file"}}; }

json::value to_json(const StandardStreams& message) {
  return {{"type", "standard_streams"}, {"output", message.output}, {"errors", message.errors}};
}

std::optional<std::string> text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string{value->get_string()};
}

std::optional<std::chrono::milliseconds> time_of(const json::object& object,
                                                 std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return std::nullopt;
  return std::chrono::milliseconds{value->get_int64()};
}

std::optional<Message> configure_from(const json::object& object) {
  auto settings = text_of(object, "settings");
  if (!settings) return std::nullopt;
  return Configure{std::move(*settings)};
}

// False if it is not there, as in what older programs say.
std::optional<bool> flag_of(const json::object& object, const char* name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return false;
  return value->is_bool() ? std::optional{value->get_bool()} : std::nullopt;
}

std::optional<Message> drain_from(const json::object& object) {
  const auto deadline = time_of(object, "deadline_ms");
  const auto hand_over = flag_of(object, "hand_over");
  const auto as_long_again = flag_of(object, "as_long_again");
  if (!deadline || !hand_over || !as_long_again) return std::nullopt;
  return Drain{*deadline, *hand_over, *as_long_again};
}

std::optional<Message> overdue_from(const json::object& object) {
  const auto limit = time_of(object, "limit_ms");
  if (!limit) return std::nullopt;
  return Overdue{*limit};
}

std::optional<std::vector<std::string>> texts_of(const json::object& object,
                                                 std::string_view name) {
  const json::value* values = object.if_contains(name);
  if (values == nullptr || !values->is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const json::value& value : values->get_array()) {
    if (!value.is_string()) return std::nullopt;
    texts.emplace_back(value.get_string());
  }
  return texts;
}

std::optional<Message> failed_from(const json::object& object) {
  auto summary = text_of(object, "summary");
  auto traceback = text_of(object, "traceback");
  auto files = texts_of(object, "files");
  if (!summary || !traceback || !files) return std::nullopt;
  return Failed{std::move(*summary), std::move(*traceback), std::move(*files)};
}

std::optional<Message> modules_from(const json::object& object) {
  auto files = texts_of(object, "add");
  if (!files) return std::nullopt;
  return Modules{std::move(*files)};
}

std::optional<Address> address_from(const json::value& value) {
  const json::array* parts = value.if_array();
  if (parts == nullptr || parts->size() != 3) return std::nullopt;
  const json::value &family = (*parts)[0], &host = (*parts)[1], &port = (*parts)[2];
  if (!family.is_int64() || !host.is_string() || !port.is_int64()) return std::nullopt;
  if (family.get_int64() < 0 || family.get_int64() > static_cast<int>(Address::Family::unix_path))
    return std::nullopt;
  if (port.get_int64() < 0 || port.get_int64() > 65'535) return std::nullopt;
  return Address{static_cast<Address::Family>(family.get_int64()),
                 static_cast<std::uint16_t>(port.get_int64()), std::string{host.get_string()}};
}

// Of 0 to `most`.
std::optional<std::uint64_t> number_from(const json::value* value, std::int64_t most) {
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  if (value->get_int64() < 0 || value->get_int64() > most) return std::nullopt;
  return static_cast<std::uint64_t>(value->get_int64());
}

std::optional<ConnectionInfo> ends_from(const json::object& object) {
  const json::value *peer = object.if_contains("peer"), *local = object.if_contains("local");
  if (peer == nullptr || local == nullptr) return std::nullopt;
  auto peer_address = address_from(*peer), local_address = address_from(*local);
  if (!peer_address || !local_address) return std::nullopt;
  return ConnectionInfo{*std::move(peer_address), *std::move(local_address)};
}

std::optional<ConnectionState> state_from(const json::value& value) {
  const json::object* object = value.if_object();
  if (object == nullptr) return std::nullopt;
  const auto requests = number_from(object->if_contains("requests"), INT64_MAX);
  if (!requests) return std::nullopt;
  ConnectionState state{*requests};
  if (object->contains("peer") || object->contains("local")) {
    state.proxied = ends_from(*object);
    if (!state.proxied) return std::nullopt;
  }
  if (object->contains("octets")) {
    auto octets = text_of(*object, "octets");
    if (!octets) return std::nullopt;
    state.octets = *std::move(octets);
  }
  if (const json::value* moves = object->if_contains("moves")) {
    const auto count = number_from(moves, UINT_MAX);
    if (!count) return std::nullopt;
    state.moves = static_cast<unsigned>(*count);
  }
  return state;
}

std::optional<std::vector<unsigned>> slots_from(const json::value* value) {
  std::vector<unsigned> slots;
  if (value == nullptr) return slots;
  if (!value->is_array()) return std::nullopt;
  for (const json::value& each : value->get_array()) {
    const auto slot = number_from(&each, UINT_MAX);
    if (!slot) return std::nullopt;
    slots.push_back(static_cast<unsigned>(*slot));
  }
  return slots;
}

std::optional<Message> connections_from(const json::object& object) {
  const json::value* states = object.if_contains("states");
  if (states == nullptr || !states->is_array()) return std::nullopt;
  Connections message;
  for (const json::value& each : states->get_array()) {
    auto state = state_from(each);
    if (!state) return std::nullopt;
    message.states.push_back(*std::move(state));
  }
  auto slots = slots_from(object.if_contains("to"));
  if (!slots) return std::nullopt;
  message.to = *std::move(slots);
  return message;
}

std::optional<Message> streams_from(const json::object& object) {
  const json::value *output = object.if_contains("output"), *errors = object.if_contains("errors");
  if (output == nullptr || !output->is_bool() || errors == nullptr || !errors->is_bool())
    return std::nullopt;
  return StandardStreams{output->get_bool(), errors->get_bool()};
}

}  // namespace

std::vector<Modules> in_messages(std::vector<std::string> files) {
  std::vector<Modules> messages;
  std::size_t room = 0;
  for (std::string& file : files) {
    const std::size_t octets = octets_of(file);
    if (octets > kMostOctetsOfFiles) continue;
    if (octets > room) {
      messages.emplace_back();
      room = kMostOctetsOfFiles;
    }
    room -= octets;
    messages.back().add.push_back(std::move(file));
  }
  return messages;
}

bool operator==(const ConnectionState& a, const ConnectionState& b) {
  if (a.requests != b.requests || a.octets != b.octets || a.moves != b.moves) return false;
  if (a.proxied.has_value() != b.proxied.has_value()) return false;
  return !a.proxied || (a.proxied->peer == b.proxied->peer && a.proxied->local == b.proxied->local);
}

std::string encode(const Message& message) {
  return json::serialize(std::visit([](const auto& each) { return to_json(each); }, message));
}

std::optional<Message> decode(std::string_view line) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  boost::system::error_code error;
  const json::value value = json::parse({line.data(), line.size()}, error, {}, options);
  const json::object* object = error ? nullptr : value.if_object();
  if (object == nullptr) return std::nullopt;

  const auto type = text_of(*object, "type");
  if (type == "configure") return configure_from(*object);
  if (type == "serve") return Serve{};
  if (type == "announce_close") return AnnounceClose{};
  if (type == "drain") return drain_from(*object);
  if (type == "ready") return Ready{};
  if (type == "failed") return failed_from(*object);
  if (type == "overdue") return overdue_from(*object);
  if (type == "leaving") return Leaving{};
  if (type == "explain") return Explain{};
  if (type == "explained") return Explained{};
  if (type == "modules") return modules_from(*object);
  if (type == "connections") return connections_from(*object);
  if (type == "access_log_file") return AccessLogFile{};
  if (type == "standard_streams") return streams_from(*object);
  return std::nullopt;
}

}  // namespace spawning::control
