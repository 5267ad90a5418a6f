// SPDX-License-Identifier: MIT
#include "spawning/log_format.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "record/log_directives.hpp"
#include "spawning/error.hpp"

namespace spawning {
namespace {

constexpr std::size_t kLongest = 1024;

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kNamed{
    {{"spawning", R"(%h - - [%{%d/%b/%Y %H:%M:%S}t] "%r" %>s %B %{decimal}T)"},
     {"common", R"(%h %l %u %t "%r" %>s %b)"},
     {"combined", R"(%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i")"}}};

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Takes what follows a "%" off the front of `text`.
LogStep take_directive(std::string_view& text) {
  if (text.starts_with('%')) {
    text.remove_prefix(1);
    return literal_step("%");
  }
  if (text.starts_with('>') || text.starts_with('<')) text.remove_prefix(1);  // nobody redirects
  std::string_view argument;
  if (text.starts_with('{')) {
    const std::size_t end = text.find('}');
    if (end == text.npos)
      throw StartupError{"the brace of %" + std::string{text} + " is not closed"};
    argument = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
  }
  if (text.empty()) throw StartupError{"a % at the end of the format; for the sign itself: %%"};
  LogStep step = directive_step(text.front(), argument);
  text.remove_prefix(1);
  return step;
}

}  // namespace

LogFormat LogFormat::parse(std::string_view text) {
  LogFormat format;
  if (text == "json") {
    format.steps_.push_back(json_step());
    return format;
  }
  if (text.empty() || text.size() > kLongest || std::ranges::any_of(text, is_control)) {
    throw StartupError{"expected spawning, common, combined, json, or a format of 1 to " +
                       std::to_string(kLongest) + " octets on one line"};
  }
  const auto* const named =
      std::ranges::find(kNamed, text, &std::pair<std::string_view, std::string_view>::first);
  if (named != kNamed.end()) text = named->second;
  if (text.find('%') == text.npos) {
    throw StartupError{"there is no format \"" + std::string{text} +
                       "\"; expected spawning, common, combined, json, or a text with directives"};
  }
  while (!text.empty()) {
    const std::size_t literal = std::min(text.find('%'), text.size());
    if (literal > 0) format.steps_.push_back(literal_step(std::string{text.substr(0, literal)}));
    text.remove_prefix(literal);
    if (text.empty()) break;
    text.remove_prefix(1);
    format.steps_.push_back(take_directive(text));
    format.reads_response_heads_ |= format.steps_.back().reads_response_head;
  }
  return format;
}

void LogFormat::append(const LogEntry& entry, std::string& line) {
  for (LogStep& step : steps_) step.write(step, entry, line);
  line += '\n';
}

}  // namespace spawning
