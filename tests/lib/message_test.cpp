// SPDX-License-Identifier: MIT
#include "control/message.hpp"

#include <gtest/gtest.h>

namespace spawning::control {
namespace {

void expect_round_trip(const Message& message) {
  const std::string line = encode(message);

  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(decode(line), message) << line;
}

TEST(MessageTest, SurvivesItsWayAsALine) {
  expect_round_trip(Configure{R"({"args":["shop.app"],"n":4})"});
  expect_round_trip(Serve{});
  expect_round_trip(AnnounceClose{});
  expect_round_trip(Drain{std::chrono::seconds{10}});
  expect_round_trip(Ready{});
  expect_round_trip(
      Failed{"ValueError: \"no\"", "Traceback:\n  line\n", {"/srv/shop.py", "/srv/é.py"}});
  expect_round_trip(Overdue{std::chrono::seconds{30}});
  expect_round_trip(Leaving{});
  expect_round_trip(Explain{});
  expect_round_trip(Explained{});
  expect_round_trip(AccessLogFile{});
  expect_round_trip(StandardStreams{true, false});
  expect_round_trip(StandardStreams{false, true});
  expect_round_trip(Modules{{"/srv/shop.py", "/srv/\xe9.py"}});
  expect_round_trip(Drain{std::chrono::seconds{10}, true});
  expect_round_trip(Drain{std::chrono::seconds{10}, false, true});
  expect_round_trip(Connections{});
  expect_round_trip(Connections{
      {{.requests = 3},
       {.requests = 0,
        .proxied = ConnectionInfo{{Address::Family::ipv6, 4711, "::1"},
                                  {Address::Family::unix_path, 0, "/run/\xe9.sock"}}}}});
}

TEST(MessageTest, KeepsTheOctetsOfARequestWhateverTheyAre) {
  std::string all;
  for (int octet = 0; octet < 256; ++octet) all += static_cast<char>(octet);

  expect_round_trip(Connections{{{.requests = 1, .octets = all, .moves = 3}}, {0, 1023}});
}

TEST(MessageTest, FitsALineWhateverTheOctetsOfConnectionsAre) {
  Connections message;
  const ConnectionState worst{
      .requests = UINT32_MAX,
      .proxied = ConnectionInfo{{Address::Family::unix_path, 0, std::string(108, '\x01')},
                                {Address::Family::unix_path, 0, std::string(108, '\x01')}},
      .octets = std::string(Connections::kMostOctets / 64, '\x01')};
  message.states.assign(64, worst);
  for (unsigned slot = 0; slot < 2048; ++slot) message.to.push_back(slot);

  EXPECT_LT(encode(message).size(), (std::size_t{1} << 20) - 4);
}

TEST(MessageTest, IsReadableOnTheWire) {
  EXPECT_EQ(encode(Drain{std::chrono::seconds{10}}),
            R"({"type":"drain","deadline_ms":10000,"hand_over":false,"as_long_again":false})");
  EXPECT_EQ(encode(Overdue{std::chrono::seconds{30}}), R"({"type":"overdue","limit_ms":30000})");
}

TEST(MessageTest, HandsNothingOverUnlessADrainSaysSo) {
  EXPECT_EQ(decode(R"({"type":"drain","deadline_ms":1})"),
            (Message{Drain{std::chrono::milliseconds{1}, false}}));
}

TEST(MessageTest, KeepsOctetsThatAreNotUtf8) {
  expect_round_trip(Failed{"OSError: \xff", "", {"/srv/\xe9.py"}});
}

TEST(MessageTest, KeepsTheEndOfAnOverlongTracebackFromAWholeLine) {
  std::string traceback;
  while (traceback.size() < (1 << 20)) traceback += "  File \"shop.py\", in f\n";
  traceback += "RecursionError: too deep\n";

  const auto message = decode(encode(Failed{"RecursionError: too deep", traceback, {}}));

  const auto& kept = std::get<Failed>(message.value()).traceback;
  EXPECT_LT(kept.size(), 100'000U);
  EXPECT_TRUE(kept.starts_with("  File"));
  EXPECT_TRUE(kept.ends_with("RecursionError: too deep\n"));
}

TEST(MessageTest, FitsALineWhateverAFailureSays) {
  const std::string worst(1 << 20, '\x01');

  EXPECT_LT(encode(Failed{worst, worst, {worst, std::string(60'000, '\x01')}}).size(),
            std::size_t{1} << 20);
}

TEST(MessageTest, DealsOutFilesToMessagesThatFitALine) {
  std::vector<std::string> files;
  for (int i = 0; i < 3000; ++i) files.push_back(std::string(100, '\x01') + std::to_string(i));
  files.insert(files.begin() + 7, std::string(1 << 20, 'x'));  // no file has such a name

  const auto messages = in_messages(files);

  std::vector<std::string> added;
  for (const Modules& message : messages) {
    EXPECT_LT(encode(message).size(), std::size_t{1} << 20);
    added.insert(added.end(), message.add.begin(), message.add.end());
  }
  files.erase(files.begin() + 7);
  EXPECT_EQ(added, files);
  EXPECT_LT(messages.size(), 10U);
  EXPECT_TRUE(in_messages({}).empty());
}

TEST(MessageTest, IgnoresFieldsThatItDoesNotKnow) {
  EXPECT_EQ(decode(R"({"type":"serve","weather":"fine"})"), Message{Serve{}});
}

TEST(MessageTest, DecodesNothingFromWhatIsMalformedOrUnknown) {
  for (
      const char* line :
      {"",
       "serve",
       "[]",
       "{}",
       R"({"type":1})",
       R"({"type":"sing"})",
       R"({"type":"configure"})",
       R"({"type":"drain"})",
       R"({"type":"drain","deadline_ms":-1})",
       R"({"type":"drain","deadline_ms":"soon"})",
       R"({"type":"overdue"})",
       R"({"type":"overdue","limit_ms":-1})",
       R"({"type":"failed","summary":"x"})",
       R"({"type":"failed","summary":"x","traceback":"","files":[1]})",
       R"({"type":"serve"} x)",
       R"({"type":"drain","deadline_ms":1,"hand_over":1})",
       R"({"type":"standard_streams","output":true})",
       R"({"type":"standard_streams","output":1,"errors":true})",
       R"({"type":"connections"})",
       R"({"type":"connections","states":[{}]})",
       R"({"type":"connections","states":[{"requests":-1}]})",
       R"({"type":"connections","states":[{"requests":1,"peer":[1,"::1",80]}]})",
       R"({"type":"connections","states":[{"requests":1,"octets":7}]})",
       R"({"type":"connections","states":[{"requests":1,"moves":-1}]})",
       R"({"type":"connections","states":[],"to":1})",
       R"({"type":"connections","states":[],"to":[-1]})",
       R"({"type":"connections","states":[{"requests":1,"peer":[9,"",0],"local":[0,"",0]}]})",
       R"({"type":"connections","states":[{"requests":1,"peer":[1,"",0],"local":[1,"",65536]}]})"}) {
    EXPECT_FALSE(decode(line)) << line;
  }
}

}  // namespace
}  // namespace spawning::control
