// SPDX-License-Identifier: MIT
#include "spawning/status_client.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <thread>

#include "spawning/error.hpp"
#include "status/status_json.hpp"
#include "support/loopback.hpp"
#include "support/run_until.hpp"
#include "support/status_fixture.hpp"

namespace spawning {
namespace {

using namespace std::chrono_literals;

// Answers one connection with the same octets, whatever is asked, and closes it.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::string answer) : answer_{std::move(answer)} {
    auto [socket, port] = test::listen_on_loopback();
    socket_ = std::move(socket);
    url = {"127.0.0.1", port};
    thread_ = std::thread{[this] { serve(); }};
  }
  ~ScriptedServer() {
    ::shutdown(socket_.get(), SHUT_RDWR);
    thread_.join();
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  StatusUrl url;
  std::string request;  // once the answer is here

 private:
  void serve() {
    const UniqueFd client{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!client) return;
    std::array<char, 4096> octets{};
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t count = ::recv(client.get(), octets.data(), octets.size(), 0);
      if (count <= 0) return;
      request.append(octets.data(), static_cast<std::size_t>(count));
    }
    std::string_view rest = answer_;
    while (!rest.empty()) {
      const ssize_t count = ::send(client.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (count <= 0) return;  // the client has had enough
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  std::string answer_;
  UniqueFd socket_;
  std::thread thread_;
};

StatusAnswer asked(const StatusUrl& url, StatusClientOptions options = {}) {
  IoContext context{1};
  StatusClient client{context, url, options};
  std::optional<StatusAnswer> answer;
  client.ask([&answer](const StatusAnswer& given) { answer = given; });
  EXPECT_FALSE(answer);
  EXPECT_TRUE(test::run_until(context, [&answer] { return answer.has_value(); }));
  return *answer;
}

// Why an answer is none.
std::string failure_of(const StatusAnswer& answer) {
  const auto* const failure = std::get_if<StatusFailure>(&answer);
  return failure == nullptr ? "" : (failure->answered ? "answered: " : "") + failure->reason;
}

std::string failure_of(const std::string& answer) {
  ScriptedServer server{answer};
  return failure_of(asked(server.url));
}

std::string ok_with(const std::string& fields, const std::string& body) {
  return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" + body;
}

const std::string& status() {
  static const std::string kStatus = to_json(test::eventful());
  return kStatus;
}

TEST(StatusClientTest, AsksForTheStatus) {
  ScriptedServer server{
      ok_with("Content-Length: " + std::to_string(status().size()) + "\r\n", status())};

  const StatusAnswer answer = asked(server.url);

  EXPECT_EQ(std::get<ObservedStatus>(answer).pid, 4711U);
  EXPECT_TRUE(server.request.starts_with(
      "GET /status.json HTTP/1.1\r\nHost: " + server.url.authority() + "\r\n"));
}

TEST(StatusClientTest, TakesAnswersThatEndWithTheConnectionOrComeInChunks) {
  ScriptedServer closing{ok_with("", status())};
  EXPECT_EQ(std::get<ObservedStatus>(asked(closing.url)).pid, 4711U);

  ScriptedServer chunking{ok_with("Transfer-Encoding: chunked\r\n",
                                  "9\r\n{\"pid\":1,\r\ne\r\n\"children\":[]}\r\n0\r\n\r\n")};
  EXPECT_EQ(std::get<ObservedStatus>(asked(chunking.url)).pid, 1U);
}

TEST(StatusClientTest, SaysWhatIsWrongWithAnAnswer) {
  EXPECT_EQ(failure_of("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
            "answered: it says 404 Not Found");
  EXPECT_EQ(failure_of("SSH-2.0-OpenSSH_9.2\r\n"), "answered: its answer is no HTTP");
  EXPECT_EQ(failure_of(std::string(100'000, 'x')), "answered: its answer is no HTTP");
  EXPECT_EQ(failure_of(ok_with("", "<html>")), "answered: its answer is no JSON");
  EXPECT_EQ(failure_of(ok_with("", "{}")), "answered: its JSON has no pid and children");
  EXPECT_EQ(failure_of(ok_with("Content-Length: 10\r\n", "{}")),
            "answered: its answer ends too early");
  EXPECT_EQ(failure_of("HTTP/1.1 200 OK\r\nContent-Le"), "answered: its answer ends too early");
  EXPECT_EQ(failure_of(""), "it has closed the connection");
}

TEST(StatusClientTest, TakesNoMoreThanItWants) {
  EXPECT_EQ(failure_of(ok_with("Content-Length: 99999999\r\n", "")),
            "answered: its answer is too large");
  EXPECT_EQ(failure_of(ok_with("", std::string(9 << 20, ' '))),
            "answered: its answer is too large");
  EXPECT_EQ(failure_of(ok_with("X: " + std::string(100'000, 'x') + "\r\n", "")),
            "answered: its answer is too large");
  const std::string trailers = "T: " + std::string(200'000, 'x') + "\r\n\r\n";
  EXPECT_EQ(failure_of(ok_with("Transfer-Encoding: chunked\r\n", "0\r\n" + trailers)),
            "answered: its answer is too large");
}

TEST(StatusClientTest, SaysThatNobodyIsThere) {
  auto [socket, port] = test::listen_on_loopback();
  const StatusUrl url{"127.0.0.1", port};
  socket.reset();

  EXPECT_EQ(failure_of(asked(url)), "Connection refused");
}

TEST(StatusClientTest, WaitsNoLongerThanTheDeadline) {
  const auto [socket, port] = test::listen_on_loopback();  // accepts nobody
  StatusClientOptions options;
  options.deadline = 50ms;

  EXPECT_EQ(failure_of(asked({"127.0.0.1", port}, options)), "nothing whole within 0.1 s");
}

TEST(StatusClientTest, CallsNobodyBackWhoHasGone) {
  const auto [socket, port] = test::listen_on_loopback();
  IoContext context{1};
  bool called = false;
  {
    StatusClient client{context, {"127.0.0.1", port}};
    client.ask([&called](const StatusAnswer&) { called = true; });
    client.ask([&called](const StatusAnswer&) { called = true; });
    context.poll();
  }
  context.run();

  EXPECT_FALSE(called);
}

TEST(StatusClientTest, NeedsAHostWithAnAddress) {
  IoContext context{1};
  EXPECT_THROW((StatusClient{context, {"host.invalid", 80}}), StartupError);
}

TEST(StatusUrlTest, MayBeWrittenInEveryUsualWay) {
  const StatusUrl here{"127.0.0.1", 9080}, named{"shop.example", 9080}, six{"::1", 9080};

  EXPECT_EQ(StatusUrl::parse("http://127.0.0.1:9080"), here);
  EXPECT_EQ(StatusUrl::parse("http://127.0.0.1:9080/"), here);
  EXPECT_EQ(StatusUrl::parse("http://127.0.0.1:9080/status.json"), here);
  EXPECT_EQ(StatusUrl::parse("127.0.0.1:9080"), here);
  EXPECT_EQ(StatusUrl::parse("127.0.0.1:9080/metrics"), here);
  EXPECT_EQ(StatusUrl::parse(":9080"), here);
  EXPECT_EQ(StatusUrl::parse("9080"), here);
  EXPECT_EQ(StatusUrl::parse("shop.example:9080"), named);
  EXPECT_EQ(StatusUrl::parse("[::1]:9080"), six);
  EXPECT_EQ(StatusUrl::parse("http://[::1]:9080/"), six);
  EXPECT_EQ(StatusUrl::parse("http://shop.example"), (StatusUrl{"shop.example", 80}));
  EXPECT_EQ(here.to_string(), "http://127.0.0.1:9080");
  EXPECT_EQ(six.authority(), "[::1]:9080");
}

TEST(StatusUrlTest, IsRefusedOtherwise) {
  for (const char* const text :
       {"", "shop.example", "https://shop.example:9080", "0", "65536", ":", "[::1]", "[]:9080",
        "::1:9080", "http://", "http://:9080", "http:///status.json", "a b:9080", "me@shop:9080",
        "shop:9080x", "shop:", "shop\x1b[2J:9080", "-1", "unix:/run/status"}) {
    EXPECT_THROW(static_cast<void>(StatusUrl::parse(text)), StartupError) << text;
  }
}

}  // namespace
}  // namespace spawning
