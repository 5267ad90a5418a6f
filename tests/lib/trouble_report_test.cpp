// SPDX-License-Identifier: MIT
#include "supervise/trouble_report.hpp"

#include <gtest/gtest.h>

namespace spawning {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::steady_clock::time_point kNow{1000s};

ListedRequest running(std::string path, std::chrono::milliseconds time) {
  return {
      .method = "GET", .path = std::move(path), .client = "192.0.2.1:4711", .began = kNow - time};
}

TEST(WordsOfLostTest, AreNoneWhereNothingIs) { EXPECT_EQ(words_of_lost({}, kNow), ""); }

TEST(WordsOfLostTest, HaveTheLatestFirst) {
  EXPECT_EQ(words_of_lost({running("/a", 1500ms), running("/b?n=1", 200ms)}, kNow),
            "GET /b?n=1 from 192.0.2.1:4711 (for 0.2 s), GET /a from 192.0.2.1:4711 (for 1.5 s)");
}

TEST(WordsOfLostTest, NameFiveAndCountTheOthers) {
  std::vector<ListedRequest> requests(6, running("/", 1s));
  const std::string one = "GET / from 192.0.2.1:4711 (for 1.0 s)";
  const std::string five = one + ", " + one + ", " + one + ", " + one + ", " + one;

  EXPECT_EQ(words_of_lost(requests, kNow), five + " and 1 more request");
  requests.push_back(requests.front());
  EXPECT_EQ(words_of_lost(requests, kNow), five + " and 2 more requests");
}

TEST(WordsOfLostTest, AreTextWhateverTheClientHasSent) {
  ListedRequest request = running("/\xFF", 0ms);
  request.path_cut = true;

  EXPECT_EQ(words_of_lost({request}, kNow), "GET /\xEF\xBF\xBD... from 192.0.2.1:4711 (for 0.0 s)");
}

}  // namespace
}  // namespace spawning
