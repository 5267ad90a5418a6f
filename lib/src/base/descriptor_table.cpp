// SPDX-License-Identifier: MIT
#include "base/descriptor_table.hpp"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>

#include "spawning/error.hpp"

namespace spawning {
namespace {

rlimit descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) throw_last_error("getrlimit(RLIMIT_NOFILE)");
  return limit;
}

}  // namespace

void raise_descriptor_limit() {
  constexpr rlim_t kEnough = 1 << 20;
  rlimit limit = descriptor_limit();
  const rlim_t wanted = std::min(limit.rlim_max, kEnough);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) throw_last_error("setrlimit(RLIMIT_NOFILE)");
}

void reserve_descriptors(unsigned count) {
  const rlim_t wanted = std::min<rlim_t>(count, descriptor_limit().rlim_cur);
  if (wanted == 0) return;
  const UniqueFd any{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!any) return;
  // The last of so many exists for a moment.
  const UniqueFd last{::fcntl(any.get(), F_DUPFD_CLOEXEC, static_cast<int>(wanted - 1))};
}

UniqueFd copy_of(int descriptor) {
  UniqueFd copy{::fcntl(descriptor, F_DUPFD_CLOEXEC, 0)};
  if (!copy) throw_last_error("fcntl(F_DUPFD_CLOEXEC)");
  return copy;
}

}  // namespace spawning
