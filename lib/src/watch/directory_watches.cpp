// SPDX-License-Identifier: MIT
#include "watch/directory_watches.hpp"

#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "spawning/error.hpp"

namespace spawning {
namespace {

constexpr unsigned kEvents = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY |
                             IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::size_t kReadOctets = 16 << 10;

// statfs(2), linux/magic.h and the sources of those that are not in there.
constexpr std::array<unsigned long, 11> kRemote{
    0x6969,      // NFS
    0x517B,      // SMB
    0xFE534D42,  // SMB2
    0xFF534D42,  // CIFS
    0x65735546,  // FUSE: sshfs, virtiofs, the shared folders of Docker Desktop
    0x01021997,  // 9p: WSL, QEMU
    0x5346414F,  // AFS
    0x6B414653,  // AFS of the kernel
    0x00C36400,  // Ceph
    0x73757245,  // Coda
    0x786F4256,  // VirtualBox
};

[[noreturn]] void throw_for(const std::string& path) {
  const std::error_code error = last_error();
  const bool limit = error == std::errc::no_space_on_device;  // as inotify calls it
  throw std::system_error{error, limit ? path + ", fs.inotify.max_user_watches" : path};
}

// Not an error: the directory went away, or never was one.
bool is_absence(int error) { return error == ENOENT || error == ENOTDIR || error == ELOOP; }

}  // namespace

bool is_remote(long file_system_type) {
  const auto type = static_cast<unsigned long>(file_system_type) & 0xFFFF'FFFF;
  return std::ranges::find(kRemote, type) != kRemote.end();
}

DirectoryWatches::DirectoryWatches() : inotify_{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)} {
  if (!inotify_) throw_last_error("inotify");
}

bool DirectoryWatches::set(const FileSnapshot::Interests& interests) {
  ++round_;
  bool more = false;
  for (const auto& [path, interest] : interests) {
    if (set_one(path, interest)) more = true;
  }
  std::erase_if(watches_, [this](const auto& each) {
    if (each.second.round == round_) return false;
    ::inotify_rm_watch(inotify_.get(), each.first);  // EINVAL: it went with its directory
    return true;
  });
  return more;
}

bool DirectoryWatches::set_one(const std::string& path, const DirectoryInterest& interest) {
  const int number = ::inotify_add_watch(inotify_.get(), path.c_str(), kEvents | IN_ONLYDIR);
  if (number < 0) {
    if (is_absence(errno)) return false;
    throw_for(path);
  }
  const auto [watch, added] = watches_.try_emplace(number, Watch{interest, round_});
  if (!added) {
    const bool again = watch->second.round == round_;  // by another path, through a bind mount
    DirectoryInterest both = interest;
    if (again) {
      both.names.merge(watch->second.interest.names);
      both.all = both.all || watch->second.interest.all;
    }
    watch->second = {std::move(both), round_};
    return false;
  }
  struct statfs system {};
  if (::statfs(path.c_str(), &system) != 0 && !is_absence(errno)) throw_for(path);
  if (is_remote(system.f_type)) {
    throw std::runtime_error{path + " is on a network file system"};
  }
  return true;
}

bool DirectoryWatches::hints() {
  bool found = false;
  for (;;) {
    alignas(inotify_event) std::array<char, kReadOctets> octets{};
    const ssize_t length = ::read(inotify_.get(), octets.data(), octets.size());
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0) return found;  // EAGAIN: that was all
    for (std::size_t at = 0; at < static_cast<std::size_t>(length);) {
      inotify_event event{};
      std::memcpy(&event, octets.data() + at, sizeof event);
      const char* const name = event.len == 0 ? "" : octets.data() + at + sizeof event;
      if (matters(event.wd, event.mask, name)) found = true;
      at += sizeof event + event.len;
    }
  }
}

bool DirectoryWatches::matters(int watch, unsigned mask, std::string_view name) {
  if ((mask & IN_Q_OVERFLOW) != 0) return true;
  const auto found = watches_.find(watch);
  if (found == watches_.end()) return false;  // given up, with events still in the queue
  if ((mask & IN_IGNORED) != 0) {
    watches_.erase(found);
    return true;
  }
  if (name.empty()) return (mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0;
  const DirectoryInterest& interest = found->second.interest;
  return interest.names.contains(name) || (interest.all && entry_counts(name));
}

}  // namespace spawning
