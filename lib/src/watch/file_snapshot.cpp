// SPDX-License-Identifier: MIT
#include "watch/file_snapshot.hpp"

#include <unistd.h>

#include <climits>
#include <filesystem>
#include <system_error>
#include <utility>

namespace spawning {
namespace {

constexpr unsigned kMostLinks = 40;  // as the kernel

FileSignature signature_of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size,
          std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

std::string join(const std::string& directory, std::string_view name) {
  std::string path = directory;
  if (!path.ends_with('/')) path += '/';
  return path.append(name);
}

std::string parent_of(const std::string& real_path) {
  const std::size_t slash = real_path.rfind('/');
  return slash == 0 ? "/" : real_path.substr(0, slash);
}

std::string target_of(const std::string& link) {
  std::string target(PATH_MAX, '\0');
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  target.resize(length < 0 ? 0 : static_cast<std::size_t>(length));  // it may be gone again
  return target;
}

// In a fixed order, so that a directory with two paths is found by the same one each time.
std::set<std::string> entries_of(const std::string& directory) {
  std::set<std::string> names;
  std::error_code error;  // what cannot be read, or vanishes meanwhile, has no entries
  std::filesystem::directory_iterator entry{directory, error};
  for (; !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) {
    std::string name = entry->path().filename();
    if (entry_counts(name)) names.insert(std::move(name));
  }
  return names;
}

}  // namespace

bool entry_counts(std::string_view name) {
  if (name.empty() || name.front() == '.' || name.back() == '~') return false;
  return name != "__pycache__" && !(name.front() == '#' && name.back() == '#');
}

void FileSnapshot::add(const std::string& path) {
  const std::optional<Found> found = follow(path, 0);
  if (!found) {
    files_[path] = {};
  } else if (S_ISDIR(found->status.st_mode)) {
    // Its size and time change with entries that do not count.
    files_[path] = {found->status.st_dev, found->status.st_ino, 0, 0};
    entered_.clear();
    add_entries(path, *found);
  } else {
    files_[path] = signature_of(found->status);
  }
}

const std::optional<FileSnapshot::Found>& FileSnapshot::follow(const std::string& path,
                                                               unsigned links) {
  const auto known = followed_.find(path);
  if (known != followed_.end()) return known->second;
  return followed_[path] = look(path, links);
}

std::optional<FileSnapshot::Found> FileSnapshot::look(const std::string& path, unsigned links) {
  if (links > kMostLinks || path.size() > PATH_MAX) return std::nullopt;
  const std::size_t slash = path.rfind('/');
  const std::string name = path.substr(slash + 1);
  Found found;
  if (path == "/") {
    found.path = "/";
  } else {
    const std::optional<Found>& parent = follow(slash == 0 ? "/" : path.substr(0, slash), links);
    if (!parent || name.empty() || name == ".") return parent;
    if (name == "..") return follow(parent_of(parent->path), links);
    interests_[parent->path].names.insert(name);
    found.path = join(parent->path, name);
  }
  if (::lstat(found.path.c_str(), &found.status) != 0) return std::nullopt;
  if (!S_ISLNK(found.status.st_mode)) return found;
  const std::string target = target_of(found.path);
  if (target.empty()) return std::nullopt;
  return follow(target.front() == '/' ? target : join(parent_of(found.path), target), links + 1);
}

void FileSnapshot::add_entries(const std::string& path, const Found& directory) {
  if (!entered_.emplace(directory.status.st_dev, directory.status.st_ino).second) return;
  interests_[directory.path].all = true;
  for (const std::string& name : entries_of(directory.path)) {
    const std::optional<Found> found = follow(join(directory.path, name), 0);
    if (found && S_ISDIR(found->status.st_mode)) {
      add_entries(join(path, name), *found);
    } else if (found && S_ISREG(found->status.st_mode)) {
      files_[join(path, name)] = signature_of(found->status);
    }
  }
}

}  // namespace spawning
