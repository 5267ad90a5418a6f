// SPDX-License-Identifier: MIT
// What people read about the options: the help, and the documentation.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "help.hpp"
#include "settings.hpp"
#include "support/options_in_words.hpp"

namespace spawning::cli {
namespace {

using test::all_settings, test::refusal;

// "-p, --port PORT"
std::string signature(const Setting& setting) {
  std::string text;
  if (setting.short_name != '\0') text = std::string{"-"} + setting.short_name + ", ";
  text += std::string{"--"} + setting.name;
  if (setting.takes == Setting::Takes::perhaps) return text + "[=" + setting.argument + "]";
  if (setting.argument != nullptr) text += std::string{" "} + setting.argument;
  return text;
}

std::vector<std::string> lines_of(std::istream&& text) {
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

TEST(DocumentedOptionsTest, AreAllInTheHelpWithTheirDefaults) {
  const std::string help = help_text();

  for (const Setting& setting : all_settings()) {
    const auto at = help.find(signature(setting));
    ASSERT_NE(at, std::string::npos) << setting.name;
    if (setting.fallback == nullptr) continue;
    EXPECT_NE(help.find(std::string{"(default "} + setting.fallback + ")", at), std::string::npos)
        << setting.name;
  }
}

TEST(DocumentedOptionsTest, FitTheHelpIntoATerminal) {
  for (const std::string& line : lines_of(std::istringstream{help_text()}))
    EXPECT_LE(line.size(), 80U) << line;
}

TEST(DocumentedOptionsTest, AreDocumentedWithTheirDefaultsInTheSameOrder) {
  std::vector<std::string> rows;
  for (const std::string& line : lines_of(std::ifstream{SPAWNING_DOCS "/configuration.md"})) {
    if (line.starts_with("| `-")) rows.push_back(line);
  }

  const std::vector<Setting> all = all_settings();
  ASSERT_EQ(rows.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::string expected = "| `" + signature(all[i]) + "` | ";
    if (all[i].fallback != nullptr) expected += std::string{"`"} + all[i].fallback + "` | ";
    EXPECT_TRUE(rows[i].starts_with(expected)) << rows[i] << "\nexpected " << expected;
    EXPECT_EQ(rows[i].find(" | `") == std::string::npos || rows[i].find(" | `") > expected.size(),
              all[i].fallback == nullptr)
        << rows[i];
  }
}

TEST(DocumentedOptionsTest, AreUnderstoodAsTheyStandInTheDocumentation) {
  for (const std::string page :
       {"backdoor.md", "deployment.md", "insight.md", "factories.md", "logging.md", "reload.md"}) {
    std::size_t commands = 0;
    for (const std::string& line : lines_of(std::ifstream{SPAWNING_DOCS "/" + page})) {
      if (!line.starts_with("    spawn ")) continue;
      std::istringstream words{line};
      std::vector<std::string> arguments{std::istream_iterator<std::string>{words}, {}};
      arguments.erase(arguments.begin());
      EXPECT_EQ(refusal(arguments), "") << line;
      ++commands;
    }
    EXPECT_GT(commands, 0U) << page;
  }
}

TEST(DocumentedOptionsTest, AreDocumentedUnderTheHeadingsOfTheHelp) {
  std::vector<std::string> headings;
  for (const std::string& line : lines_of(std::ifstream{SPAWNING_DOCS "/configuration.md"})) {
    if (line.starts_with("## ")) headings.push_back(line.substr(3));
  }

  ASSERT_EQ(headings.size(), setting_groups().size());
  for (std::size_t i = 0; i < headings.size(); ++i)
    EXPECT_TRUE(std::string_view{setting_groups()[i].heading}.starts_with(headings[i]));
}

}  // namespace
}  // namespace spawning::cli
