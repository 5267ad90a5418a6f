// SPDX-License-Identifier: MIT
#include "supervise/re_execution.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

#include "spawning/error.hpp"
#include "spawning/inheritance.hpp"

namespace spawning {
namespace {

constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
constexpr int kFirstDescriptor = 3;  // of a ChildProcess

// \throws std::system_error if $PATH does not lead to it.
std::string path_of(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* variable = std::getenv("PATH");
  std::string_view path{variable == nullptr ? "" : variable};
  while (!path.empty()) {
    const std::size_t colon = path.find(':');
    const std::filesystem::path candidate = std::filesystem::path{path.substr(0, colon)} / name;
    std::error_code ignored;  // what cannot be looked at is no program
    if (std::filesystem::is_regular_file(candidate, ignored) &&
        ::access(candidate.c_str(), X_OK) == 0)
      return std::filesystem::absolute(candidate);
    path.remove_prefix(colon == std::string_view::npos ? path.size() : colon + 1);
  }
  throw std::system_error{ENOENT, std::system_category(), name + " in $PATH"};
}

std::vector<std::string> with_restart_args(std::vector<std::string> command,
                                           const std::string& restart_args) {
  command.insert(command.begin() + 1, {"-z", restart_args});
  return command;
}

// Descriptors that survive execve(2) as long as this lives.
class KeptOpen {
 public:
  explicit KeptOpen(std::vector<int> descriptors) : descriptors_{std::move(descriptors)} {
    for (int fd : descriptors_) set_flags(fd, 0);
  }
  ~KeptOpen() {
    for (int fd : descriptors_) set_flags(fd, FD_CLOEXEC);
  }

  KeptOpen(const KeptOpen&) = delete;
  KeptOpen& operator=(const KeptOpen&) = delete;

 private:
  // Fails only for what is not open, and then the next program says so.
  static void set_flags(int fd, int flags) {
    [[maybe_unused]] const int ignored = ::fcntl(fd, F_SETFD, flags);
  }

  std::vector<int> descriptors_;
};

// A working directory as long as this lives.
class WorkingDirectory {
 public:
  explicit WorkingDirectory(const std::string& path)
      : before_{::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)} {
    if (path.empty()) return;
    if (!before_) throw_last_error(".");
    if (::chdir(path.c_str()) != 0) throw_last_error(path);
  }
  ~WorkingDirectory() {
    [[maybe_unused]] const int ignored = before_ ? ::fchdir(before_.get()) : 0;
  }

  WorkingDirectory(const WorkingDirectory&) = delete;
  WorkingDirectory& operator=(const WorkingDirectory&) = delete;

 private:
  UniqueFd before_;
};

}  // namespace

UniqueFd sealed_memory(std::string_view content) {
  UniqueFd memory{::memfd_create("spawning-remains", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!memory) throw_last_error("memfd_create");
  while (!content.empty()) {
    const ssize_t count = ::write(memory.get(), content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_last_error("write");
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fcntl(memory.get(), F_ADD_SEALS, kSeals) != 0) throw_last_error("fcntl(F_ADD_SEALS)");
  return memory;
}

std::string read_sealed_memory(int fd) {
  struct stat status {};
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals || ::fstat(fd, &status) != 0)
    throw StartupError{"descriptor " + std::to_string(fd) + " is not from a supervisor"};
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  for (std::size_t done = 0; done < content.size();) {
    const ssize_t count =
        ::pread(fd, content.data() + done, content.size() - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw StartupError{"what the supervisor left cannot be read"};
    done += static_cast<std::size_t>(count);
  }
  return content;
}

Trial::Trial(IoContext& context, const Program& program, const WrittenRemains& remains,
             std::chrono::milliseconds patience, std::function<void(const std::string&)> judged)
    : judged_{std::move(judged)}, timer_{context, patience} {
  const UniqueFd memory = sealed_memory(remains.text);
  static_assert(kFirstDescriptor == 3);
  auto command = with_restart_args(program.command, R"({"trial":3,"scoreboard":4})");
  command.front() = path_of(command.front());
  child_.emplace(
      context,
      ChildCommand{std::move(command), {}, {memory.get(), remains.scoreboard}, program.directory},
      [this](ExitStatus exit) { end(exit); });
  // When the timer has run out the trial may have ended, and *this with it, before this is called.
  timer_.async_wait([this, patience, alive = std::weak_ptr{overdue_}](auto error) {
    if (error || alive.expired()) return;
    *overdue_ = "did not end within " + std::to_string(patience.count()) +
                " ms (--boot-timeout) of its trial";
    child_->kill();
  });
}

void Trial::end(ExitStatus exit) {
  timer_.cancel();
  const bool passed =
      WIFEXITED(exit.native) && WEXITSTATUS(exit.native) == Inheritance::kTrialPassed;
  std::string objection = passed ? "" : exit.to_string();
  if (!overdue_->empty()) objection = *overdue_;
  const auto judged = judged_;  // which may destroy *this
  judged(objection);
}

std::error_code execute(const Program& program, const WrittenRemains& remains) {
  try {
    const UniqueFd memory = sealed_memory(remains.text);
    std::vector<int> descriptors = remains.descriptors;
    descriptors.push_back(memory.get());
    auto command =
        with_restart_args(program.command, "{\"state\":" + std::to_string(memory.get()) + "}");
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (std::string& argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);

    const WorkingDirectory directory{program.directory};
    const std::string path = path_of(command.front());
    const KeptOpen kept{std::move(descriptors)};
    ::execve(path.c_str(), arguments.data(), environ);
    return last_error();
  } catch (const std::system_error& error) {
    return error.code();
  }
}

}  // namespace spawning
