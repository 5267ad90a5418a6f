// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <future>
#include <list>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "spawning/server.hpp"
#include "spawning/worker_pool.hpp"
#include "support/function_handler.hpp"
#include "support/loopback.hpp"
#include "support/stress_client.hpp"

namespace spawning {
namespace {

using test::pick, test::StressClient;

// Sends an answer in pieces, waiting for the client without a thread.
class Producer : public std::enable_shared_from_this<Producer> {
 public:
  Producer(Responder responder, std::string body)
      : responder_{std::move(responder)}, body_{std::move(body)} {}

  void run() {
    while (sent_ < body_.size()) {
      const std::string_view piece = std::string_view{body_}.substr(sent_, 7000);
      sent_ += piece.size();
      switch (responder_.write(piece)) {
        case WriteStatus::ok:
          break;
        case WriteStatus::gone:
          return responder_.abort();
        case WriteStatus::full:
          return responder_.when_writable([self = shared_from_this()] { self->run(); });
      }
    }
    responder_.finish();
  }

 private:
  Responder responder_;
  std::string body_;
  std::size_t sent_ = 0;
};

std::string whole(Body& body) {
  std::string text(static_cast<std::size_t>(body.size()), '\0');
  for (std::size_t filled = 0; filled < text.size();) {
    const std::size_t count = body.read({text.data() + filled, text.size() - filled});
    if (count == 0) break;
    filled += count;
  }
  return text;
}

void write_in_pieces(Responder& responder, std::string_view body, bool wait) {
  for (std::size_t at = 0; at < body.size(); at += 5000) {
    const auto status = responder.write(body.substr(at, 5000));
    if (status == WriteStatus::gone) return responder.abort();
    if (status == WriteStatus::full && wait && !responder.wait_writable()) return responder.abort();
  }
  responder.finish();
}

// As the second letter of the target says; see stress_client.cpp.
void answer(const Request& request, Responder responder) {
  const std::string body =
      test::expected_answer(request.target, test::checksum(whole(*request.body)));
  switch (request.path[2]) {
    case 'r':
      return responder.respond({}, body);
    case 's':
      responder.start({}, body.size());
      return write_in_pieces(responder, body, false);
    case 'c':
      responder.start({});
      return write_in_pieces(responder, body, true);
    case 'w':
      responder.start({});
      return std::make_shared<Producer>(std::move(responder), body)->run();
    case 't':
      throw std::runtime_error{"as asked"};
    case 'd':
      return;
    default:
      responder.start({}, body.size() + 1);
      responder.write(body);
      if (request.path[2] == 'l') throw std::runtime_error{"as asked"};
      return responder.abort();
  }
}

struct Counter : ServerObserver {
  void exchange_ended(const ExchangeRecord& record) override {
    if (record.target.empty()) return;  // the malformed requests: no handler has seen them
    const std::lock_guard lock{mutex};
    // Nor those whose clients left before they were accepted.
    if (record.status == 499 && !begun.contains(std::string{record.target})) return;
    ++ended[std::string{record.target}];
  }
  void connection_opened() override { ++opened; }
  void connection_closed() override { ++closed; }

  std::mutex mutex;
  std::map<std::string, int> begun, ended;
  std::atomic<int> opened{0}, closed{0};
};

// What is counted differently, so that a failure shows that and not hundreds of requests.
std::vector<std::string> differences(const std::map<std::string, int>& begun,
                                     const std::map<std::string, int>& ended) {
  std::vector<std::string> found;
  for (const auto& [target, count] : begun) {
    const auto other = ended.find(target);
    const int ends = other == ended.end() ? 0 : other->second;
    if (ends != count) {
      found.push_back(target + ": begun " + std::to_string(count) + ", ended " +
                      std::to_string(ends));
    }
  }
  for (const auto& [target, count] : ended) {
    if (!begun.contains(target))
      found.push_back(target + ": begun 0, ended " + std::to_string(count));
  }
  return found;
}

// A server with an I/O thread and three of a pool, and many clients on the test's own thread. If it
// `changes`, another server takes its connections over now and then.
class Stress {
 public:
  explicit Stress(std::uint32_t seed, bool naps, bool changes = false)
      : random_{seed}, naps_{naps}, changes_{changes} {
    config_.unsent_in_memory = Bytes{8 << 10};
    config_.unsent_high = Bytes{16 << 10};
    config_.limits.body_in_memory = Bytes{32 << 10};
    config_.timeouts.half_closed = std::chrono::seconds{30};  // they wait for all of their answers
    add_server();
    for (int i = 0; i < 3; ++i) threads_.emplace_back([this] { pool_.run(); });
    threads_.emplace_back([this] { context_.run(); });
  }

  void run() {
    constexpr std::size_t kClients = 40;
    // Now and then in the middle of it all; else when the clients have what they want.
    const std::size_t drain_at =
        !naps_ && !changes_ && pick(random_, 0, 3) == 0 ? pick(random_, 1, 2000) : ~0UL;
    std::vector<StressClient> clients;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{25};
    for (std::size_t step = 0;; ++step) {
      if (clients.size() < kClients && pick(random_, 0, 9) == 0 && !draining_) connect(clients);
      if (step == drain_at) drain();
      if (changes_ && !draining_ && pick(random_, 0, 99) == 0) change();
      bool busy = clients.size() < kClients && !draining_, waiting = false;
      for (auto& client : clients) {
        client.step(draining_);
        waiting |= !client.done();
        busy |= !client.done() && !client.waits_for_close();
      }
      if (!busy && !draining_) drain();
      if (!busy && !waiting) break;
      if (std::chrono::steady_clock::now() > deadline) break;
      if (step % 16 == 0) std::this_thread::yield();
    }
    for (const auto& client : clients) {
      EXPECT_EQ(client.trouble(), "");
      EXPECT_TRUE(client.done()) << client.state();
    }
    clients.clear();
    EXPECT_EQ(drained_.get_future().wait_for(std::chrono::seconds{10}), std::future_status::ready);
    finish();
  }

 private:
  void connect(std::vector<StressClient>& clients) {
    auto [ours, theirs] =
        pick(random_, 0, 1) == 0 ? test::make_socketpair() : test::make_tcp_pair();
    const int little = 8 << 10;
    ::setsockopt(theirs.get(), SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
    clients.emplace_back(std::move(ours), std::to_string(clients.size()), random_(), naps_);
    boost::asio::post(context_,
                      [this, fd = theirs.release()] { servers_.back()->adopt(UniqueFd{fd}); });
  }

  void add_server() {
    servers_.push_back(std::make_unique<Server>(context_, handler_, log_, config_, &counter_));
  }

  void change() {
    boost::asio::post(context_, [this] {
      Server& before = *servers_.back();
      add_server();
      before.drain(
          [this, &before] {
            servers_.remove_if([&before](const auto& each) { return each.get() == &before; });
          },
          [this](HandedConnection& connection) {
            servers_.back()->adopt(std::move(connection));
            return true;
          });
    });
  }

  void drain() {
    draining_ = true;
    boost::asio::post(context_,
                      [this] { servers_.back()->drain([this] { drained_.set_value(); }); });
  }

  void finish() {
    boost::asio::post(context_, [this] {
      servers_.clear();
      guard_.reset();
    });
    pool_.stop();
    for (auto& thread : threads_) thread.join();
    EXPECT_EQ(differences(counter_.begun, counter_.ended), std::vector<std::string>{});
    EXPECT_EQ(counter_.opened, counter_.closed);
  }

  test::Random random_;
  bool naps_;
  bool changes_;
  bool draining_ = false;
  std::promise<void> drained_;
  UniqueFd null_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Log log_{null_.get(), "stress"};
  HttpConfig config_;
  Counter counter_;
  IoContext context_{1};
  boost::asio::executor_work_guard<IoContext::executor_type> guard_{context_.get_executor()};
  test::FunctionHandler inner_{
      [](const Request& request, Responder responder) { answer(request, std::move(responder)); }};
  WorkerPool pool_{inner_, log_};
  test::FunctionHandler handler_{[this](const Request& request, Responder responder) {
    {
      const std::lock_guard lock{counter_.mutex};
      ++counter_.begun[std::string{request.target}];
    }
    if (request.path[1] == 'p') return pool_.handle(request, std::move(responder));
    answer(request, std::move(responder));
  }};
  std::list<std::unique_ptr<Server>> servers_;  // the last one is the one that accepts
  std::vector<std::thread> threads_;
};

unsigned from_environment(const char* name, unsigned otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

// More of them: SPAWNING_STRESS_SEEDS=500, beginning with SPAWNING_STRESS_FIRST.
TEST(ServerStressTest, AnswersEveryRequestOnceInOrderAndWhole) {
  const unsigned first = from_environment("SPAWNING_STRESS_FIRST", 1);
  const unsigned count = from_environment("SPAWNING_STRESS_SEEDS", 6);
  for (unsigned seed = first; seed < first + count && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Stress{seed, false}.run();
  }
}

TEST(ServerStressTest, AnswersClientsThatComeBackWhenTheirConnectionBecomesIdle) {
  const unsigned first = from_environment("SPAWNING_STRESS_FIRST", 1);
  Stress{first, true}.run();
}

TEST(ServerStressTest, ClosesNoConnectionWhileServersTakeThemOverFromEachOther) {
  const unsigned first = from_environment("SPAWNING_STRESS_FIRST", 1);
  const unsigned count = from_environment("SPAWNING_STRESS_SEEDS", 6);
  for (unsigned seed = first; seed < first + count && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Stress{seed, false, true}.run();
  }
}

TEST(ServerStressTest, ClosesNoIdleConnectionWhileServersTakeThemOverFromEachOther) {
  const unsigned first = from_environment("SPAWNING_STRESS_FIRST", 1);
  Stress{first, true, true}.run();
}

}  // namespace
}  // namespace spawning
