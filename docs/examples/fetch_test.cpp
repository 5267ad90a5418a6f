// SPDX-License-Identifier: MIT
// A small client of HTTP, and its tests against a server that goes wrong when it is told to.
#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <stdexcept>
#include <string>

#include "spawning/loopback_server.hpp"

namespace {

using boost::asio::ip::tcp;
using spawning::Request, spawning::Responder;
using spawning::testing::Fault, spawning::testing::LoopbackServer;

// ---- the client ------------------------------------------------------------------------------------

// All that a server says to one request, until it closes the connection. Less, if it breaks it off.
std::string ask(std::uint16_t port, const std::string& path) {
  boost::asio::io_context context;
  tcp::socket socket{context};
  socket.connect({boost::asio::ip::address_v4::loopback(), port});
  const std::string request =
      "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  boost::system::error_code broken_off;
  boost::asio::write(socket, boost::asio::buffer(request));
  std::string answer;
  boost::asio::read(socket, boost::asio::dynamic_buffer(answer), broken_off);
  return answer;
}

// The body of the answer. Asks again, once, if nothing of an answer came.
std::string fetch(std::uint16_t port, const std::string& path) {
  std::string answer = ask(port, path);
  if (answer.empty()) answer = ask(port, path);
  const auto length = answer.find("Content-Length: ");
  const auto head_end = answer.find("\r\n\r\n");
  if (length > head_end || head_end == answer.npos) throw std::runtime_error{"no answer"};
  const std::string body = answer.substr(head_end + 4);
  if (body.size() < std::stoul(answer.substr(length + 16))) throw std::runtime_error{"truncated"};
  return body;
}

// ---- its tests -------------------------------------------------------------------------------------

struct FetchTest : ::testing::Test {
  LoopbackServer server{[](const Request& request, Responder responder) {
    responder.respond(200, {}, "this is " + std::string{request.path});
  }};
};

TEST_F(FetchTest, FetchesABody) { EXPECT_EQ(fetch(server.port(), "/x"), "this is /x"); }

TEST_F(FetchTest, AsksAgainIfTheConnectionIsReset) {
  server.next(Fault::reset());

  EXPECT_EQ(fetch(server.port(), "/x"), "this is /x");
  EXPECT_EQ(server.requests(), 2U);
}

TEST_F(FetchTest, GivesUpTheSecondTime) {
  server.next(Fault::reset());
  server.next(Fault::reset());

  EXPECT_THROW(fetch(server.port(), "/x"), std::runtime_error);
  EXPECT_EQ(server.requests(), 2U);
}

TEST_F(FetchTest, DoesNotTakeHalfABodyForAWholeOne) {
  server.next(Fault::truncated(4));

  EXPECT_THROW(fetch(server.port(), "/x"), std::runtime_error);
}

TEST_F(FetchTest, HasPatience) {
  Fault fault = Fault::slow(7, std::chrono::milliseconds{1});
  fault.delay = std::chrono::milliseconds{20};
  server.next(fault);

  EXPECT_EQ(fetch(server.port(), "/x"), "this is /x");
}

}  // namespace
