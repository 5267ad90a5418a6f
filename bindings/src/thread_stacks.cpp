// SPDX-License-Identifier: MIT
#include "thread_stacks.hpp"

#include <Python.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <functional>
#include <system_error>
#include <utility>

#include "py_ref.hpp"
#include "spawning/error.hpp"

namespace spawning::python {
namespace {

// Only a thread that the kernel holds needs longer.
constexpr std::chrono::milliseconds kPatience{2'000};
// For last words, of all threads; there is a second in all.
constexpr std::chrono::milliseconds kPatienceAtTheEnd{600};

// For the handler of a signal there is no other place than this.
std::atomic<void (*)(int)> dump_stack{nullptr};  // faulthandler's handler
sem_t dumped;

void dump_and_tell(int number) {
  const int before = errno;
  if (auto* const dump = dump_stack.load(std::memory_order_relaxed)) dump(number);
  ::sem_post(&dumped);
  errno = before;
}

int signal_number() { return SIGRTMIN + 11; }
int signal_number_for_all() { return SIGRTMIN + 12; }

UniqueFd make_file(const char* name) {
  UniqueFd file{::memfd_create(name, MFD_CLOEXEC)};
  if (!file) throw_last_error("memfd_create");
  return file;
}

[[nodiscard]] bool make_empty(const UniqueFd& file) {
  return ::ftruncate(file.get(), 0) == 0 && ::lseek(file.get(), 0, SEEK_SET) == 0;
}

std::string text_of(const UniqueFd& file) {
  std::string text(static_cast<std::size_t>(std::max<off_t>(0, ::lseek(file.get(), 0, SEEK_END))),
                   '\0');
  const ssize_t got = ::pread(file.get(), text.data(), text.size(), 0);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
  return text;
}

PyRef call_faulthandler(const char* name, PyRef arguments, PyRef named) {
  const PyRef module = PyRef::steal(PyImport_ImportModule("faulthandler"));
  if (!module || !arguments) return {};
  const PyRef function = PyRef::steal(PyObject_GetAttrString(module.get(), name));
  if (!function) return {};
  return PyRef::steal(PyObject_Call(function.get(), arguments.get(), named.get()));
}

// Lets faulthandler write to the file what the thread that gets the signal, or all, are doing.
[[nodiscard]] bool register_signal(int number, const UniqueFd& file, bool all) {
  const PyRef done =
      call_faulthandler("register", PyRef::steal(Py_BuildValue("(i)", number)),
                        PyRef::steal(Py_BuildValue("{s:i,s:O}", "file", file.get(), "all_threads",
                                                   all ? Py_True : Py_False)));
  return static_cast<bool>(done);
}

// Puts back what was there before.
void unregister_signal(int number) {
  const PyRef done =
      call_faulthandler("unregister", PyRef::steal(Py_BuildValue("(i)", number)), {});
  if (!done) PyErr_Clear();
}

struct sigaction action_of(int number) {
  struct sigaction action {};
  if (::sigaction(number, nullptr, &action) != 0) throw_last_error("sigaction");
  return action;
}

// False if there was nothing by then.
bool wait_for_dump(std::chrono::nanoseconds patience) {
  timespec deadline{};
  ::clock_gettime(CLOCK_REALTIME, &deadline);
  patience += std::chrono::nanoseconds{deadline.tv_nsec};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(patience);
  deadline.tv_sec += seconds.count();
  deadline.tv_nsec = (patience - seconds).count();
  int result = 0;
  do {
    result = ::sem_timedwait(&dumped, &deadline);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

// Signals are for the threads of the application.
std::thread start_without_signals(std::function<void()> body) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread{std::move(body)};
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

ThreadStacks::ThreadStacks(const GilHeld&, const Log& log)
    : log_{log}, answer_{make_file("spawning-stack")}, all_answers_{make_file("spawning-stacks")} {
  ok_ = install_handlers();
}

// faulthandler's is called by ours, which can tell when it is done. That for all threads is called by
// us, because nothing else writes down all stacks without the GIL on demand.
bool ThreadStacks::install_handlers() {
  if (!register_signal(signal_number_for_all(), all_answers_, true)) return false;
  dump_all_ = action_of(signal_number_for_all()).sa_handler;
  if (!register_signal(signal_number(), answer_, false)) return false;
  if (::sem_init(&dumped, 0, 0) != 0) throw_last_error("sem_init");
  struct sigaction action = action_of(signal_number());
  dump_stack = action.sa_handler;
  action.sa_handler = &dump_and_tell;
  if (::sigaction(signal_number(), &action, nullptr) != 0) throw_last_error("sigaction");
  return true;
}

ThreadStacks::~ThreadStacks() {
  {
    const std::lock_guard lock{mutex_};
    ended_ = true;
  }
  wake_.notify_all();
  if (reporter_.joinable()) reporter_.join();
  if (!ok_) return;
  unregister_signal(signal_number());
  unregister_signal(signal_number_for_all());
}

ThreadStacks::Shown::Shown(ThreadStacks& stacks) : stacks_{stacks} {
  const std::lock_guard lock{stacks_.mutex_};
  stacks_.shown_.push_back(pthread_self());
}

ThreadStacks::Shown::~Shown() {
  const std::lock_guard lock{stacks_.mutex_};
  std::erase(stacks_.shown_, pthread_self());
}

void ThreadStacks::report(pthread_t thread, std::string introduction,
                          std::function<bool()> needless) {
  try {
    const std::lock_guard lock{mutex_};
    if (!reporter_.joinable()) reporter_ = start_without_signals([this] { run(); });
    wanted_.push_back({thread, std::move(introduction), std::move(needless)});
  } catch (const std::system_error& error) {
    return log_.error(introduction + " cannot be had: " + error.what());
  }
  wake_.notify_one();
}

void ThreadStacks::run() {
  for (;;) {
    std::unique_lock lock{mutex_};
    wake_.wait(lock, [this] { return ended_ || !wanted_.empty(); });
    if (wanted_.empty()) return;
    const Wanted wanted = std::move(wanted_.front());
    wanted_.pop_front();
    lock.unlock();
    if (wanted.needless && wanted.needless()) continue;
    if (const auto stack = stack_of(wanted.thread, kPatience))
      log_.stacks(LogLevel::warning, wanted.introduction, *stack);
  }
}

std::optional<std::string> ThreadStacks::stack_of(pthread_t thread,
                                                  std::chrono::nanoseconds patience) {
  const std::lock_guard turn{asking_};
  {
    const std::lock_guard lock{mutex_};
    if (!ask(thread)) return std::nullopt;
  }
  return wait_for_dump(patience) ? text_of(answer_) : "The kernel holds it, and it does not say.\n";
}

// With the mutex held: a thread that is shown cannot end meanwhile.
bool ThreadStacks::ask(pthread_t thread) {
  if (std::find(shown_.begin(), shown_.end(), thread) == shown_.end()) return false;
  while (::sem_trywait(&dumped) == 0) {  // an answer that came too late
  }
  return make_empty(answer_) && ::pthread_kill(thread, signal_number()) == 0;
}

// Of the time that is left each thread may take half, so that one that does not answer leaves some to
// the others.
void ThreadStacks::report_shown(std::string_view introduction) {
  std::vector<pthread_t> shown;
  {
    const std::lock_guard lock{mutex_};
    shown = shown_;
  }
  std::string stacks;
  const auto deadline = std::chrono::steady_clock::now() + kPatienceAtTheEnd;
  for (const pthread_t thread : shown) {
    const auto stack = stack_of(thread, (deadline - std::chrono::steady_clock::now()) / 2);
    if (stack) stacks += *stack + '\n';
  }
  log_.stacks(LogLevel::error, introduction, stacks);
}

void ThreadStacks::report_all(std::string_view introduction) const {
  if (!make_empty(all_answers_)) return log_.error("the stacks of this process cannot be had");
  dump_all_(signal_number_for_all());
  log_.stacks(LogLevel::error, introduction, text_of(all_answers_));
}

}  // namespace spawning::python
