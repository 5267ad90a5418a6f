// SPDX-License-Identifier: MIT
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "spawning/error.hpp"
#include "spawning/status_top.hpp"
#include "spawning/terminal_screen.hpp"
#include "spawning/top_view.hpp"
#include "top/display_text.hpp"
#include "top/status_trouble.hpp"
#include "top/whole_write.hpp"

namespace spawning {
namespace {

constexpr std::size_t kColumns = 512;  // of what is no terminal, as top(1) has it

ObservedStatus sample_of(IoContext& context, const StatusUrl& url) {
  StatusClient client{context, url};
  std::optional<StatusAnswer> answer;
  client.ask([&answer](const StatusAnswer& given) { answer = given; });
  context.restart();
  context.run();
  if (const auto* const failure = std::get_if<StatusFailure>(&*answer))
    throw StartupError{"--top: " + status_trouble(url, *failure)};
  return std::get<ObservedStatus>(*std::move(answer));
}

}  // namespace

std::string status_trouble(const StatusUrl& url, const StatusFailure& failure,
                           const std::string& since) {
  // The reason may be the server's.
  const std::string reason = display_text(failure.reason, 200).text;
  const std::string when = since.empty() ? "" : " since " + since + ", retrying";
  if (failure.answered)
    return url.to_string() + " does not answer as a status server of spawn" + when + ": " + reason;
  return "no answer from " + url.to_string() + when + ": " + reason;
}

void print_status(const StatusUrl& url, int output, std::chrono::milliseconds period) {
  IoContext context{1};
  const ObservedStatus first = sample_of(context, url);
  boost::asio::steady_timer{context, period}.wait();
  const ObservedStatus second = sample_of(context, url);
  const std::optional<TerminalSize> terminal = TerminalSize::of(output);
  TopView view;
  view.source = url.authority();
  view.columns = terminal ? terminal->columns : kColumns;
  view.rows = 0;
  std::string text;
  for (const std::string& line : top_lines(&second, &first, view)) text += line + '\n';
  const std::error_code error = whole_write(output, text);
  if (error && error != std::errc::broken_pipe)
    throw std::system_error{error, "writing the status"};
}

}  // namespace spawning
