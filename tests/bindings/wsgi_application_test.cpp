// SPDX-License-Identifier: MIT
#include "spawning/wsgi_application.hpp"

#include <gtest/gtest.h>
#include <pybind11/embed.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "spawning/error.hpp"
#include "spawning/server.hpp"
#include "support/loopback.hpp"
#include "support/raw_client.hpp"

namespace spawning {
namespace {

namespace py = pybind11;
using test::RawClient, test::run_until;

constexpr const char* kRequest = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

struct WsgiApplicationTest : ::testing::Test {
  ~WsgiApplicationTest() override {
    server.reset();
    application.reset();
  }

  // The `app` that `code` defines.
  void serve(const char* code, WsgiOptions options = {}) {
    py::exec(code, scope);
    application.emplace(scope["app"].ptr(), log, options);
    server.emplace(context, *application, log);
  }

  RawClient connect() {
    auto [client, end] = test::make_socketpair();
    server->adopt(std::move(end));
    return RawClient{context, std::move(client)};
  }

  [[nodiscard]] bool log_says(std::string_view words) const {
    std::array<char, 4096> text{};
    const auto count = std::max<ssize_t>(0, ::pread(log_file.get(), text.data(), text.size(), 0));
    return std::string_view{text.data(), static_cast<std::size_t>(count)}.find(words) !=
           std::string_view::npos;
  }

  const py::scoped_interpreter interpreter;
  py::dict scope;
  UniqueFd log_file{::memfd_create("log", MFD_CLOEXEC)};
  Log log{log_file.get(), "test"};
  IoContext context{1};
  std::optional<WsgiApplication> application;
  std::optional<Server> server;
};

TEST_F(WsgiApplicationTest, CallsTheApplicationOnOneThreadOfPythonsAfterTheOther) {
  serve(R"(
import threading
local = threading.local()
def app(environ, start_response):
    local.calls = getattr(local, "calls", 0) + 1
    start_response("200 OK", [])
    return [f"{threading.current_thread().name}, call {local.calls}".encode()]
)",
        {.threads = 1});
  const py::gil_scoped_release released;
  RawClient client = connect();

  client.send(kRequest);
  EXPECT_TRUE(client.sees("spawning-0, call 1"));
  client.send(kRequest);
  EXPECT_TRUE(client.sees("spawning-0, call 2"));
}

TEST_F(WsgiApplicationTest, HasAFileWrapperWithoutThePackage) {
  serve(R"(
import tempfile
file = tempfile.TemporaryFile()
file.write(b"what is in it")
file.seek(0)
def app(environ, start_response):
    start_response("200 OK", [])
    return environ["wsgi.file_wrapper"](file)
)");
  const py::gil_scoped_release released;
  RawClient client = connect();

  client.send(kRequest);
  EXPECT_TRUE(client.sees("what is in it"));
}

TEST_F(WsgiApplicationTest, EndsTheIterationWhenTheClientHasGone) {
  serve(R"(
import threading, time
ended = threading.Event()
def app(environ, start_response):
    start_response("200 OK", [])
    try:
        yield b"a while"
        while True:
            time.sleep(0.001)
    finally:
        ended.set()
)");
  const py::gil_scoped_release released;
  RawClient client = connect();

  client.send(kRequest);
  ASSERT_TRUE(client.sees("a while"));
  client.close();

  EXPECT_TRUE(run_until(context, [this] {
    const py::gil_scoped_acquire acquired;
    return scope["ended"].attr("is_set")().cast<bool>();
  }));
}

TEST_F(WsgiApplicationTest, WaitsAtItsEndForWhatRunsInPython) {
  serve(R"(
import os
reading, writing = os.pipe()
done = False
def app(environ, start_response):
    global done
    start_response("200 OK", [])(b"at it")
    os.read(reading, 1)
    done = True
    return []
)");
  {
    const py::gil_scoped_release released;
    RawClient client = connect();
    client.send(kRequest);
    ASSERT_TRUE(client.sees("at it"));
  }
  std::thread mercy{[this, writing = scope["writing"].cast<int>()] {
    while (!log_says("the application still works on"))
      std::this_thread::sleep_for(std::chrono::milliseconds{1});  // between two looks
    EXPECT_EQ(::write(writing, "x", 1), 1);
  }};

  server.reset();
  application.reset();

  EXPECT_TRUE(scope["done"].cast<bool>());
  mercy.join();
}

TEST_F(WsgiApplicationTest, SaysThatTheThreadThatServesKeepsTheLock) {
  serve("def app(environ, start_response): pass");
  RawClient client = connect();

  client.send(kRequest);

  EXPECT_TRUE(run_until(context, [this] { return log_says("has the interpreter's lock"); }));
}

TEST_F(WsgiApplicationTest, RejectsWhatCannotBeCalled) {
  const py::str text{"app"};
  try {
    const WsgiApplication never{text.ptr(), log};
    FAIL();
  } catch (const StartupError& error) {
    EXPECT_STREQ(error.what(), "expected a WSGI application, a callable, not str");
  }
  EXPECT_THROW((WsgiApplication{py::eval("print").ptr(), log, {.threads = 0}}), StartupError);
}

}  // namespace
}  // namespace spawning
