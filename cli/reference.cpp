// SPDX-License-Identifier: MIT
#include "reference.hpp"

#include <array>
#include <string_view>

#include "completions.hpp"
#include "manual_page.hpp"

namespace spawning::cli {

std::span<const ReferenceFile> reference_files() {
  static constexpr std::array kFiles{ReferenceFile{"spawn.1", manual_page},
                                     ReferenceFile{"completions/spawn.bash", bash_completion},
                                     ReferenceFile{"completions/_spawn", zsh_completion},
                                     ReferenceFile{"completions/spawn.fish", fish_completion}};
  return kFiles;
}

std::vector<std::string> choices_of(const Setting& setting) {
  const std::string_view name = setting.name;
  if (name == "header-map") return {"drop", "refuse", "dangerous"};
  if (name == "reload") return {"dev"};
  if (name == "green") return {"auto", "gevent", "eventlet"};
  if (name == "access-log-format") return {"spawning", "common", "combined", "json"};
  if (name == "log-level") return {"debug", "info", "warning", "error"};
  if (name == "log-format") return {"text", "json"};
  if (name == "processes") return {"auto"};
  return {};
}

}  // namespace spawning::cli
