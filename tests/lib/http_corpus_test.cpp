// SPDX-License-Identifier: MIT
#include "support/http_corpus.hpp"

#include <gtest/gtest.h>

#include <random>

#include "support/guarded_octets.hpp"

namespace spawning {
namespace {

using test::CorpusCase, test::GuardedOctets, test::load_corpus, test::RequestReader;

struct HttpCorpus : ::testing::TestWithParam<const char*> {
  std::vector<CorpusCase> cases = load_corpus(GetParam());
};

TEST_P(HttpCorpus, IsThere) { EXPECT_GE(cases.size(), 70u); }

TEST_P(HttpCorpus, IsReadWhole) {
  for (const CorpusCase& c : cases) {
    RequestReader reader{c.limits, c.header_map};

    reader.read(c.octets);

    EXPECT_EQ(reader.transcript(), c.transcript) << c.name;
  }
}

TEST_P(HttpCorpus, IsReadOctetByOctet) {
  for (const CorpusCase& c : cases) {
    RequestReader reader{c.limits, c.header_map};

    for (std::size_t end = 1; end <= c.octets.size(); ++end)
      reader.read(std::string_view{c.octets}.substr(0, end));

    EXPECT_EQ(reader.transcript(), c.transcript) << c.name;
  }
}

TEST_P(HttpCorpus, IsReadInRandomCuts) {
  std::mt19937 random{2022};
  for (const CorpusCase& c : cases) {
    for (int round = 0; round < 20; ++round) {
      RequestReader reader{c.limits, c.header_map};

      for (std::size_t end = 0; end < c.octets.size();) {
        end = std::min(end + std::uniform_int_distribution<std::size_t>{1, 40}(random),
                       c.octets.size());
        reader.read(std::string_view{c.octets}.substr(0, end));
      }

      EXPECT_EQ(reader.transcript(), c.transcript) << c.name << ", round " << round;
    }
  }
}

TEST_P(HttpCorpus, IsReadAgainstAGuardPageInABufferThatMoves) {
  for (const CorpusCase& c : cases) {
    GuardedOctets memory{c.octets.size()};
    RequestReader reader{c.limits, c.header_map};
    // Every cut of the long ones would take long: each moved buffer is parsed from its start.
    const std::size_t step = c.octets.size() / 2000 + 1;

    for (std::size_t end = 1; end <= c.octets.size(); end += step) {
      reader.read(memory.place(std::string_view{c.octets}.substr(0, end)));
    }
    reader.read(memory.place(c.octets));

    EXPECT_EQ(reader.transcript(), c.transcript) << c.name;
  }
}

// What it should say of these nobody knows, but that must not depend on the cuts.
TEST_P(HttpCorpus, IsReadTheSameInEveryCutWhenOctetsAreReplaced) {
  constexpr std::string_view kReplacements{"\r\n\0 \t:;,\"09af/*#?\x7f\x80", 19};
  std::mt19937 random{1994};
  const auto below = [&random](std::size_t end) {
    return std::uniform_int_distribution<std::size_t>{0, end - 1}(random);
  };
  for (const CorpusCase& c : cases) {
    for (int round = 0; round < 30; ++round) {
      std::string octets = c.octets.substr(0, 2000);
      octets[below(octets.size())] = kReplacements[below(kReplacements.size())];
      RequestReader whole{c.limits, c.header_map}, cut{c.limits, c.header_map};

      whole.read(octets);
      for (std::size_t end = 1; end <= octets.size(); ++end)
        cut.read(std::string_view{octets}.substr(0, end));

      EXPECT_EQ(whole.transcript(), cut.transcript()) << c.name << ", round " << round;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Directories, HttpCorpus, ::testing::Values("valid", "invalid"),
                         [](const auto& test) { return std::string{test.param}; });

}  // namespace
}  // namespace spawning
