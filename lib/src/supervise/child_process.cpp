// SPDX-License-Identifier: MIT
#include "supervise/child_process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/detail/throw_error.hpp>  // missing in a header below
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/optional.hpp>  // as before
#include <boost/process/v2/posix/default_launcher.hpp>
#include <boost/process/v2/process.hpp>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>

#include "spawning/error.hpp"
#include "spawning/unique_fd.hpp"

namespace spawning {
namespace {

namespace process = boost::process::v2;
using boost::system::error_code;

constexpr int kFirstDescriptor = 3;

error_code system_error_code() { return {errno, boost::system::system_category()}; }

// Prepares a child between fork and exec: only system calls that are safe there.
class ChildSetup {
 public:
  // `directory`: -1 if it is to stay.
  ChildSetup(const ChildCommand& command, int null, int directory)
      : sources_{command.descriptors},
        null_{null},
        output_{command.output},
        directory_{directory},
        end_{kFirstDescriptor + static_cast<int>(command.descriptors.size())},
        user_{command.user} {}

  template <typename Launcher>
  error_code on_setup(Launcher& launcher, const process::filesystem::path&, const char* const*&) {
    for (int fd = kFirstDescriptor; fd < end_; ++fd) launcher.fd_whitelist.push_back(fd);
    return {};
  }

  template <typename Launcher>
  error_code on_exec_setup(Launcher&, const process::filesystem::path&, const char* const*&) {
    const bool done = ::setpgid(0, 0) == 0 && enter_directory() && place_descriptors() &&
                      reset_signals() && become_user();
    return done ? error_code{} : system_error_code();
  }

  // 1.81 asks for this with other arguments than it passes, and would call exit(3), which runs the
  // parent's atexit handlers in the child.
  template <typename... Any>
  void on_exec_error(Any&&...) {
    ::_exit(127);
  }

 private:
  // There is one thread here, as in the parent, so that it may do more than call the system.
  [[nodiscard]] bool become_user() const {
    try {
      if (user_) user_->assume();
      return true;
    } catch (const std::exception&) {
      errno = EPERM;
      return false;
    }
  }

  [[nodiscard]] bool enter_directory() const { return directory_ < 0 || ::fchdir(directory_) == 0; }

  bool place_descriptors() {
    if (output_ >= 0 && !place(output_, STDOUT_FILENO)) return false;
    if (!place(null_, STDIN_FILENO)) return false;
    for (int& source : sources_) {  // out of the way first: a source may lie where another one goes
      source = ::fcntl(source, F_DUPFD_CLOEXEC, end_);
      if (source < 0) return false;
    }
    int target = kFirstDescriptor;
    for (int source : sources_) {
      if (!place(source, target++)) return false;
    }
    return close_others_on_exec();
  }

  // dup2(2) leaves a descriptor that is there already as it is: closed on exec.
  static bool place(int source, int target) {
    return source == target ? ::fcntl(target, F_SETFD, 0) == 0 : ::dup2(source, target) >= 0;
  }

  // The launcher's own closing overlooks what lies between the descriptors it keeps.
  [[nodiscard]] bool close_others_on_exec() const {
    if (::close_range(static_cast<unsigned>(end_), ~0U, CLOSE_RANGE_CLOEXEC) == 0) return true;
    const long most = std::min(::sysconf(_SC_OPEN_MAX), 65'536L);  // a kernel before 5.11
    for (int fd = end_; fd < most; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    return true;
  }

  static bool reset_signals() {
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    for (int signal = 1; signal < NSIG; ++signal) {
      const bool from_terminals =
          signal == SIGINT || signal == SIGQUIT || signal == SIGHUP || signal == SIGTTOU;
      ::sigaction(signal, from_terminals ? &ignore : &standard,
                  nullptr);  // fails for KILL, STOP, libc's own
    }
    sigset_t none;
    ::sigemptyset(&none);
    return ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
  }

  std::vector<int> sources_;
  int null_;
  int output_;  // -1: as it is
  int directory_;
  int end_;  // one past the last descriptor of the child
  std::optional<UserIdentity> user_;
};

// Occupies every free descriptor that will be one of the child's, so that the launcher's pipe for
// errors of exec does not lie where ChildSetup puts something else.
std::vector<UniqueFd> occupy_below(int end, int null) {
  std::vector<UniqueFd> placeholders;
  for (;;) {
    UniqueFd fd{::fcntl(null, F_DUPFD_CLOEXEC, kFirstDescriptor)};
    if (!fd) throw_last_error("fcntl(F_DUPFD_CLOEXEC)");
    if (fd.get() >= end) return placeholders;
    placeholders.push_back(std::move(fd));
  }
}

// This process's environment with `changes` in place of the variables that they name.
std::vector<std::string> merged_environment(const std::vector<std::string>& changes) {
  std::vector<std::string> merged;
  const auto name_of = [](std::string_view variable) {
    return variable.substr(0, variable.find('='));
  };
  const auto is_changed = [&](std::string_view variable) {
    return std::ranges::find(changes, name_of(variable), name_of) != changes.end();
  };
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!is_changed(*variable)) merged.emplace_back(*variable);
  }
  std::ranges::copy_if(changes, std::back_inserter(merged), [](const std::string& change) {
    return change.find('=') != std::string::npos;
  });
  return merged;
}

process::basic_process<IoContext::executor_type> launch(IoContext& context,
                                                        const ChildCommand& command) {
  const UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!null) throw_last_error("/dev/null");
  UniqueFd directory;
  if (!command.directory.empty()) {
    directory.reset(::open(command.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory) throw_last_error(command.directory);
  }
  const auto placeholders =
      occupy_below(kFirstDescriptor + static_cast<int>(command.descriptors.size()), null.get());
  const auto environment = merged_environment(command.environment);
  std::vector<const char*> variables;
  variables.reserve(environment.size() + 1);
  for (const std::string& variable : environment) variables.push_back(variable.c_str());
  variables.push_back(nullptr);

  process::posix::default_launcher launcher;
  launcher.env = variables.data();
  const std::string& program = command.arguments.at(0);
  const std::vector<std::string> arguments{command.arguments.begin() + 1, command.arguments.end()};
  error_code error;
  auto child = launcher(context.get_executor(), error, program, arguments,
                        ChildSetup{command, null.get(), directory.get()});
  if (error) {
    if (launcher.pid > 0) ::waitpid(launcher.pid, nullptr, 0);  // the launcher leaves a zombie
    throw std::system_error{error.value(), std::system_category(), program};
  }
  return child;
}

pid_t require_child(pid_t pid) {
  siginfo_t unused{};
  const auto id = static_cast<id_t>(pid);
  if (::waitid(P_PID, id, &unused, WEXITED | WNOHANG | WNOWAIT) != 0) throw_last_error("waitid");
  return pid;
}

// Readable when the process has ended. \see pidfd_open(2)
UniqueFd watch(pid_t pid) {
  UniqueFd fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!fd) throw_last_error("pidfd_open");
  return fd;
}

}  // namespace

std::string ExitStatus::to_string() const {
  if (WIFEXITED(native)) return "exited with status " + std::to_string(WEXITSTATUS(native));
  const char* name = ::sigabbrev_np(WTERMSIG(native));
  std::string text = name == nullptr ? "was killed by signal " + std::to_string(WTERMSIG(native))
                                     : "was killed by SIG" + std::string{name};
  if (WCOREDUMP(native)) text += " (core dumped)";
  return text;
}

struct ChildProcess::State : std::enable_shared_from_this<ChildProcess::State> {
  using Launched = process::basic_process<IoContext::executor_type>;

  State(IoContext& context, pid_t p, std::function<void(ExitStatus)> callback)
      : pid{p}, end{context}, ended{std::move(callback)} {
    UniqueFd fd = watch(pid);
    end.assign(fd.get());
    static_cast<void>(fd.release());  // `end` owns it now
  }

  State(IoContext& context, Launched child, std::function<void(ExitStatus)> callback)
      : State{context, child.id(), std::move(callback)} {
    launched.emplace(std::move(child));
  }

  void await_end() {
    end.async_wait(end.wait_read, [self = shared_from_this()](error_code error) {
      if (!error && !self->abandoned) self->take_status();
    });
  }

  // Asio may call a wait off for what happened to another descriptor, in whose place this one is
  // (its epoll_reactor reuses the state of a descriptor that an event may still be queued for).
  // That is why Boost.Process's own async_wait, which then waits in waitpid(2), is not used here.
  void take_status() {
    int status = 0;
    const pid_t found = ::waitpid(pid, &status, WNOHANG);
    if (found == 0) return await_end();
    running = false;
    // Nobody else waits for our children, so an error is a bug; say "unknown" rather than nothing.
    ended(ExitStatus{found == pid ? status : 255 << 8});
  }

  const pid_t pid;
  boost::asio::posix::stream_descriptor end;
  std::function<void(ExitStatus)> ended;
  std::optional<Launched> launched;  // by us: its destructor would end it
  bool running = true;
  bool abandoned = false;  // by the ChildProcess
};

ChildProcess::ChildProcess(IoContext& context, const ChildCommand& command,
                           std::function<void(ExitStatus)> ended)
    : state_{std::make_shared<State>(context, launch(context, command), std::move(ended))} {
  state_->await_end();
}

ChildProcess::ChildProcess(IoContext& context, pid_t pid, std::function<void(ExitStatus)> ended)
    : state_{std::make_shared<State>(context, require_child(pid), std::move(ended))} {
  state_->await_end();
}

ChildProcess::~ChildProcess() {
  state_->abandoned = true;
  if (!state_->running) return;
  error_code ignored;  // close(2) frees the descriptor whatever it says
  state_->end.close(ignored);
  kill();
  while (::waitpid(pid(), nullptr, 0) < 0 && errno == EINTR) continue;
}

pid_t ChildProcess::pid() const { return state_->pid; }

void ChildProcess::kill() { signal(SIGKILL); }

void ChildProcess::signal(int number) {
  // Its status may have been taken before `ended` could be called; the number may be another's
  // then.
  siginfo_t unused{};
  const auto id = static_cast<id_t>(pid());
  if (!state_->running || ::waitid(P_PID, id, &unused, WEXITED | WNOHANG | WNOWAIT) != 0) return;
  ::kill(pid(), number);
}

// The number is not given to another process while the group has members.
void ChildProcess::kill_group() const { ::kill(-pid(), SIGKILL); }

}  // namespace spawning
