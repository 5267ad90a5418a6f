// SPDX-License-Identifier: MIT
#include "spawning/pidfile.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "spawning/error.hpp"

namespace spawning {
namespace {

constexpr mode_t kMode = 0644;
constexpr std::size_t kLongest = 20;  // content of a pidfile, newline included

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
  throw StartupError{path + " " + reason};
}

bool lock(const UniqueFd& file) { return ::flock(file.get(), LOCK_EX | LOCK_NB) == 0; }

// Whether the path still leads to the open file.
bool leads_to(const std::string& path, int file) {
  struct stat opened {
  }, found{};
  return ::fstat(file, &opened) == 0 && ::lstat(path.c_str(), &found) == 0 &&
         opened.st_dev == found.st_dev && opened.st_ino == found.st_ino;
}

// The number in a pidfile, "" if it is empty; nothing if it is no pidfile.
std::optional<std::string> pid_in(int file) {
  std::array<char, kLongest + 1> octets{};
  const ssize_t count = ::pread(file, octets.data(), octets.size(), 0);
  if (count < 0 || count > static_cast<ssize_t>(kLongest)) return std::nullopt;
  std::string_view text{octets.data(), static_cast<std::size_t>(count)};
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.find_first_not_of("0123456789") != text.npos) return std::nullopt;
  return std::string{text};
}

// A file beside the one that it is to become; removed unless it has.
class Draft {
 public:
  explicit Draft(const std::string& path) : name_{path + ".XXXXXX"} {
    file_.reset(::mkostemp(name_.data(), O_CLOEXEC));
    if (!file_) refuse(path, "cannot be created: " + last_error().message());
    const std::string content = std::to_string(::getpid()) + "\n";
    const auto length = static_cast<ssize_t>(content.size());
    if (::write(file_.get(), content.data(), content.size()) != length ||
        ::fchmod(file_.get(), kMode) != 0 || !lock(file_)) {
      const std::error_code error = last_error();
      discard();
      refuse(path, "cannot be written: " + error.message());
    }
  }
  ~Draft() { discard(); }

  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  // errno of link(2): EEXIST if there is a file already; 0.
  [[nodiscard]] int become(const std::string& path) const {
    return ::link(name_.c_str(), path.c_str()) == 0 ? 0 : errno;
  }

  void replace(const std::string& path) {
    if (::rename(name_.c_str(), path.c_str()) != 0)
      refuse(path, "cannot be replaced: " + last_error().message());
    name_.clear();
  }

  [[nodiscard]] UniqueFd take() { return std::move(file_); }

 private:
  void discard() {
    [[maybe_unused]] const int ignored = name_.empty() ? 0 : ::unlink(name_.c_str());
    name_.clear();
  }

  std::string name_;  // "" once it is not there any more
  UniqueFd file_;
};

// Replaces what a process that has ended has left. False if it is not there any more, or another
// one has just taken its place.
bool replace_stale(const std::string& path, Draft& draft) {
  const UniqueFd stale{
      ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  if (!stale && errno == ENOENT) return false;
  if (!stale && errno == ELOOP) refuse(path, "is a symbolic link, and is left alone");
  if (!stale) refuse(path, "cannot be read: " + last_error().message());
  struct stat status {};
  const bool regular = ::fstat(stale.get(), &status) == 0 && S_ISREG(status.st_mode);
  const auto pid = regular ? pid_in(stale.get()) : std::nullopt;
  if (!pid) refuse(path, "is something else than a pidfile, and is left alone");
  if (!lock(stale)) refuse(path, "belongs to process " + *pid + ", which runs");
  if (!leads_to(path, stale.get())) return false;
  draft.replace(path);
  return true;
}

}  // namespace

Pidfile Pidfile::acquire(const std::string& path) {
  const std::string whole = std::filesystem::absolute(path);
  Draft draft{whole};
  for (;;) {
    const int error = draft.become(whole);
    if (error == 0) break;
    if (error != EEXIST)
      refuse(whole, "cannot be created: " + std::system_category().message(error));
    if (replace_stale(whole, draft)) break;
  }
  return {draft.take(), whole};
}

Pidfile::Pidfile(UniqueFd lock, std::string path)
    : lock_{std::move(lock)}, path_{std::move(path)} {}

Pidfile::Pidfile(Pidfile&& other) noexcept = default;

Pidfile& Pidfile::operator=(Pidfile&& other) noexcept {
  if (this == &other) return *this;
  remove();
  lock_ = std::move(other.lock_);
  path_ = std::move(other.path_);
  return *this;
}

Pidfile::~Pidfile() { remove(); }

void Pidfile::remove() {
  if (!lock_ || !leads_to(path_, lock_.get())) return;
  if (::unlink(path_.c_str()) == 0) return;
  [[maybe_unused]] const int ignored = ::ftruncate(lock_.get(), 0);
}

}  // namespace spawning
