// SPDX-License-Identifier: MIT
#include "reference.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace spawning::cli {
namespace {

// A roff of "--port".
std::string as_roff(const std::string& name) {
  std::string text = "\\-\\-";
  for (const char c : name) text += c == '-' ? std::string{"\\-"} : std::string{c};
  return text;
}

TEST(ReferenceTest, IsAsItStandsInTheDocumentation) {
  for (const ReferenceFile& file : reference_files()) {
    std::ifstream stream{std::string{SPAWNING_DOCS "/"} + file.name};
    const std::string there{std::istreambuf_iterator<char>{stream}, {}};
    EXPECT_TRUE(there == file.text()) << file.name << " is out of date: ninja reference";
  }
}

TEST(ReferenceTest, KnowsEveryOption) {
  for (const ReferenceFile& file : reference_files()) {
    const std::string text = file.text();
    for (const SettingGroup& group : setting_groups()) {
      for (const Setting& setting : group.settings) {
        const bool is_manual = std::string_view{file.name} == "spawn.1";
        const bool is_fish = std::string_view{file.name}.ends_with(".fish");
        const std::string name = setting.name;
        const std::string said = is_manual ? as_roff(name) : (is_fish ? "-l " : "--") + name;
        EXPECT_NE(text.find(said), std::string::npos) << file.name << ": " << name;
      }
    }
  }
}

TEST(ReferenceTest, OffersWhatAnOptionTakes) {
  std::size_t offered = 0;
  for (const SettingGroup& group : setting_groups()) {
    for (const Setting& setting : group.settings) {
      for (const std::string& choice : choices_of(setting)) {
        Options options;
        EXPECT_NO_THROW(setting.store(options, choice)) << setting.name << " " << choice;
        ++offered;
      }
    }
  }
  EXPECT_GT(offered, 10U);
}

}  // namespace
}  // namespace spawning::cli
