// SPDX-License-Identifier: MIT
#include "manual_page.hpp"

#include <string_view>

#include "settings.hpp"

namespace spawning::cli {
namespace {

constexpr const char* kBeginning = R"(.SH NAME
spawn \- serve a WSGI application
.SH SYNOPSIS
.B spawn
.RI [ OPTION " ...] " APP " [" MIDDLEWARE " ...]"
.br
.B spawn \-\-factory
.I FACTORY
.RI [ OPTION " ...] [" ARGUMENT " ...]"
.SH DESCRIPTION
Serves the WSGI application
.IR APP ,
a dotted path such as package.module.callable, wrapped by each
.I MIDDLEWARE
in the order given.
A supervisor keeps the port and replaces worker processes, which are Python interpreters.
.PP
A SIZE is in octets, or with K, M or G of 1024.
.SH OPTIONS
)";

constexpr const char* kEnd = R"(.SH FILES
.TP
.I pyproject.toml
in the working directory: options in
.BR [tool.spawning] ,
keys being the long names.
.SH ENVIRONMENT
.TP
.BI SPAWN_ OPTION
as the option of that name, in capitals and with underscores, unless the command line has it;
counts for more than a file. Several values stand between blanks.
.TP
.B SPAWN_APP
APP and MIDDLEWARE.
.TP
.BR PORT ", " WEB_CONCURRENCY
the port, then of every interface unless a host is given, and the number of processes, if nothing
else says them.
.SH SIGNALS
.TP
.BR TERM ", " INT
stop gracefully; a second one, half a second later or more, or
.BR QUIT ,
at once.
.TP
.B HUP
reload.
.TP
.BR TTIN ", " TTOU
add and remove a worker.
.TP
.B USR1
open the log files anew.
.TP
.B USR2
execute spawn anew, of which nobody notices anything.
.SH EXIT STATUS
0 after a graceful stop, 1 if it cannot start, 2 if an option is wrong.
.SH EXAMPLES
.nf
spawn \-\-bind 0.0.0.0:8000 \-\-threads 8 mysite.wsgi.application
spawn \-\-config spawn.toml \-\-check
.fi
)";

// As roff reads it as text: a dash is one, and no line is a request.
std::string escaped(std::string_view text) {
  std::string all;
  for (const char c : text) {
    if (c == '-') {
      all += "\\-";
    } else if (c == '\\') {
      all += "\\e";
    } else if ((c == '.' || c == '\'') && all.empty()) {
      all += std::string{"\\&"} + c;
    } else {
      all += c;
    }
  }
  return all;
}

std::string option_of(const Setting& setting) {
  std::string text = ".TP\n";
  if (setting.short_name != '\0') text += std::string{"\\fB\\-"} + setting.short_name + "\\fR, ";
  text += "\\fB\\-\\-" + escaped(setting.name) + "\\fR";
  if (setting.argument != nullptr) {
    const bool perhaps = setting.takes == Setting::Takes::perhaps;
    text += (perhaps ? "[=" : " ") + ("\\fI" + escaped(setting.argument)) + "\\fR" +
            (perhaps ? "]" : "");
  }
  text += '\n' + escaped(setting.help);
  if (setting.fallback != nullptr) text += " (default " + escaped(setting.fallback) + ")";
  return text + ".\n";
}

}  // namespace

std::string manual_page() {
  std::string text =
      ".\\\" Made by spawn_reference of the options.\n"
      ".TH SPAWN 1 2026-11-29 \"spawning " SPAWNING_VERSION "\" \"User Commands\"\n";
  text += kBeginning;
  for (const SettingGroup& group : setting_groups()) {
    text += std::string{".SS "} + escaped(group.heading) + '\n';
    for (const Setting& setting : group.settings) text += option_of(setting);
  }
  return text + kEnd;
}

}  // namespace spawning::cli
