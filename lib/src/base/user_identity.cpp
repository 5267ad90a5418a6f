// SPDX-License-Identifier: MIT
#include "spawning/user_identity.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "spawning/error.hpp"

namespace spawning {
namespace {

constexpr std::size_t kFirstBuffer = 1024;
constexpr std::size_t kLargestBuffer = 1 << 20;

// -1 is no id: to set it means to change nothing.
std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == UINT32_MAX)
    return std::nullopt;
  return value;
}

// Calls one of the getpw*_r, getgr*_r functions with ever more memory. False: there is no such entry.
template <typename Entry, typename Function, typename Key>
bool look_up(Function function, Key key, Entry& entry, std::vector<char>& memory) {
  for (memory.resize(kFirstBuffer); memory.size() <= kLargestBuffer;
       memory.resize(2 * memory.size())) {
    Entry* found = nullptr;
    const int error = function(key, &entry, memory.data(), memory.size(), &found);
    if (error == EINTR) continue;
    if (error != ERANGE) return found != nullptr;
  }
  return false;
}

// A name goes before a number, as it does for chown(1).
bool find_user(const std::string& text, passwd& entry, std::vector<char>& memory) {
  if (look_up(::getpwnam_r, text.c_str(), entry, memory)) return true;
  const auto id = number(text);
  return id && look_up(::getpwuid_r, *id, entry, memory);
}

gid_t find_group(const std::string& text) {
  group entry{};
  std::vector<char> memory;
  if (look_up(::getgrnam_r, text.c_str(), entry, memory)) return entry.gr_gid;
  if (const auto id = number(text)) return *id;
  throw StartupError{"there is no group \"" + text + "\""};
}

std::vector<gid_t> groups_of(const std::string& user, gid_t group) {
  std::vector<gid_t> groups(16);
  for (;;) {
    int count = static_cast<int>(groups.size());
    const int result = ::getgrouplist(user.c_str(), group, groups.data(), &count);
    groups.resize(static_cast<std::size_t>(count));
    if (result >= 0) return groups;
  }
}

std::string described(const UserIdentity& identity) {
  const std::string numbers = std::to_string(identity.user) + ":" + std::to_string(identity.group);
  return identity.name.empty() ? numbers : identity.name + " (" + numbers + ")";
}

[[noreturn]] void refuse(const UserIdentity& identity, const std::string& reason) {
  throw StartupError{"this process cannot become " + described(identity) + ": " + reason};
}

}  // namespace

UserIdentity UserIdentity::find(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string user = text.substr(0, colon);
  const std::string group = colon == text.npos ? "" : text.substr(colon + 1);
  if (user.empty() || (colon != text.npos && group.empty()))
    throw StartupError{"expected USER or USER:GROUP, not \"" + text + "\""};

  UserIdentity identity;
  passwd entry{};
  std::vector<char> memory;
  if (find_user(user, entry, memory)) {
    identity.user = entry.pw_uid;
    identity.group = group.empty() ? entry.pw_gid : find_group(group);
    identity.name = entry.pw_name;
    identity.home = entry.pw_dir;
    identity.groups = groups_of(identity.name, identity.group);
    return identity;
  }
  const auto id = number(user);
  if (!id) throw StartupError{"there is no user \"" + user + "\""};
  if (group.empty())
    throw StartupError{"user " + user + " has no group of its own; expected " + user + ":GROUP"};
  identity.user = *id;
  identity.group = find_group(group);
  identity.groups = {identity.group};
  return identity;
}

bool UserIdentity::is_current() const {
  uid_t real = 0, effective = 0, saved = 0;
  gid_t real_group = 0, effective_group = 0, saved_group = 0;
  if (::getresuid(&real, &effective, &saved) != 0 ||
      ::getresgid(&real_group, &effective_group, &saved_group) != 0)
    throw_last_error("getresuid");
  // Root with other supplementary groups is not what was asked for, and can be mended.
  return real == user && effective == user && saved == user && real_group == group &&
         effective_group == group && saved_group == group && user != 0;
}

void UserIdentity::require_permission() const {
  if (is_current() || ::geteuid() == 0) return;
  refuse(*this, "only root can become somebody else, and it runs as user " +
                    std::to_string(::geteuid()) + ", group " + std::to_string(::getegid()));
}

void UserIdentity::assume() const {
  if (is_current()) return;
  require_permission();
  // The groups first: without root's rights nobody may change them.
  if (::setgroups(groups.size(), groups.data()) != 0 || ::setresgid(group, group, group) != 0 ||
      ::setresuid(user, user, user) != 0)
    refuse(*this, last_error().message());
  if (user == 0) return;
  const bool had_back = ::setresuid(0, 0, 0) == 0 || ::seteuid(0) == 0 ||
                        (group != 0 && (::setresgid(0, 0, 0) == 0 || ::setegid(0) == 0)) ||
                        ::setgroups(0, nullptr) == 0;
  if (had_back || !is_current()) refuse(*this, "it could become root again");
}

std::vector<std::string> UserIdentity::environment() const {
  if (name.empty()) return {};
  return {"HOME=" + home, "USER=" + name, "LOGNAME=" + name};
}

}  // namespace spawning
