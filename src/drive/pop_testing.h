// A POP3 server and a client over a pipe, for drive's own tests: bob's mailbox of two messages, and
// a list of what the server asked of it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "drive/fake_tls.h"
#include "drive/pop_client.h"
#include "drive/pop_server.h"
#include "net/pipe.h"

namespace letterlock::drive::test {

class CountingRandom final : public os::Random {
 public:
  void fill(std::span<std::uint8_t> octets) override {
    for (auto& octet : octets) octet = next_++;
  }

 private:
  std::uint8_t next_ = 0;
};

// Gives `chunk` so many times, then what `last` says.
class Chunks final : public PopContent {
 public:
  Chunks(std::string chunk, unsigned count, base::Result<> last, unsigned* given)
      : chunk_(std::move(chunk)), count_(count), last_(std::move(last)), given_(given) {}
  net::ResultTask<base::Bytes> next() override {
    if (count_ == 0 && !last_) co_return base::fail(last_.error());
    if (count_ == 0) co_return base::Bytes();
    --count_;
    if (given_ != nullptr) ++*given_;
    co_return chunk_;
  }

 private:
  std::string chunk_;
  unsigned count_;
  base::Result<> last_;
  unsigned* given_;
};

class BobsHandler final : public PopHandler {
 public:
  net::ResultTask<bool> clear_allowed(std::string user) override {
    note("clear? " + user);
    co_return clear;
  }
  net::ResultTask<Keys> keys(std::string user, sasl::Mechanism, const tls::Session*) override {
    asked_ = user;
    if (user == "bob")
      co_return Keys{sasl::derive("tree", "sixteen octets!!", 10), sasl::Standing::welcome};
    co_return Keys{sasl::fake_keys("a secret of sixteen octets", user, 10),
                   sasl::Standing::refused};
  }
  net::ResultTask<sasl::Standing> check_password(std::string user, std::string password,
                                                 const tls::Session*) override {
    co_return user == "bob" && password == "tree" ? sasl::Standing::welcome
                                                  : sasl::Standing::refused;
  }
  net::Task<> password_shown(std::string user, std::string password,
                             const tls::Session* session) override {
    shown.push_back(user + " " + password + (session != nullptr ? " tls" : " clear"));
    co_return;
  }
  net::ResultTask<> proved(bool fits) override {
    proofs.emplace_back(fits ? "right" : "wrong");
    co_return turn;
  }
  void exchange_failed(sasl::Mechanism, const sasl::Failure&) override {
    failed.push_back(std::exchange(asked_, {}));
  }
  net::ResultTask<pop::Maildrop> signed_in(PopSignIn sign_in) override {
    note("in " + sign_in.user +
         (sign_in.how == PopSignIn::How::password ? " password"
          : sign_in.how == PopSignIn::How::scram  ? " scram"
                                                  : " plus") +
         (sign_in.tls != nullptr ? " tls" : " clear"));
    pop::Maildrop maildrop("17");
    for (const auto& [uid, content] : messages) maildrop.add(uid, content.size());
    if (sign_in_fails) co_return base::fail(base::ErrorKind::io, "the disk");
    co_return maildrop;
  }
  net::ResultTask<std::unique_ptr<PopContent>> open(std::uint32_t uid) override {
    if (!messages.contains(uid)) co_return base::fail(base::ErrorKind::not_found, "gone");
    co_return std::make_unique<Chunks>(messages[uid], chunk_count, content_end, &chunks_given);
  }
  net::ResultTask<> content_begins(std::uint32_t uid, PopGiving giving) override {
    note("begins " + std::to_string(uid) + (giving == PopGiving::top ? " top" : ""));
    co_return intent;
  }
  net::Task<> content_ended(std::uint32_t uid, PopGiving, PopGiven given) override {
    note("ended " + std::to_string(uid) + (given.complete ? " complete " : " cut ") +
         std::to_string(given.content_octets) + (given.converted ? " converted" : ""));
    co_return;
  }
  net::ResultTask<> commit(std::vector<std::uint32_t> uids) override {
    for (const auto uid : uids) note("delete " + std::to_string(uid));
    co_return base::Result<>();
  }

  std::map<std::uint32_t, std::string> messages = {{5, "Subject: one\r\n\r\n.first\r\nline\r\n"},
                                                   {9, "Subject: two\r\n\r\nsecond\r\n"}};
  unsigned chunk_count = 1;
  unsigned chunks_given = 0;
  base::Result<> content_end;
  base::Result<> intent;
  base::Result<> turn;
  bool clear = false;
  bool sign_in_fails = false;
  std::vector<std::string> notes;
  std::vector<std::string> failed;  // the user, or empty
  std::vector<std::string> proofs;
  std::vector<std::string> shown;

 private:
  std::string asked_;
  void note(std::string what) { notes.push_back(std::move(what)); }
};

class PopTest : public ::testing::Test {
 protected:
  PopTest() {
    options.refusal_delay = base::Milliseconds(0);
    client_options.rounds_min = 1;
  }

  // A server at the other end of what is returned.
  std::unique_ptr<net::Connection> serve() {
    auto [ours, theirs] = net::make_pipe();
    servers_.push_back(std::make_unique<PopServer>(
        PopServer::World{tls, timers_, clock_, random_, &sessions}, options));
    end.reset();
    running = loop.spawn(keep_end(*servers_.back(), std::move(theirs), handler, end));
    return std::move(ours);
  }
  // A client that has read the greeting.
  std::unique_ptr<PopClient> connect() {
    client_options.entry = options.entry == PopOptions::Entry::tls ? PopClientOptions::Entry::tls
                                                                   : PopClientOptions::Entry::clear;
    auto client = std::make_unique<PopClient>(PopClient::World{client_tls, workers_, random_},
                                              client_options);
    EXPECT_TRUE(wait(client->open(serve())));
    return client;
  }

  // Runs the loop until the task is done; what it gave.
  template <class T>
  base::Result<T> wait(net::ResultTask<T> task) {
    std::optional<base::Result<T>> result;
    loop.spawn(keep(std::move(task), result));
    poll_until([&] { return result.has_value(); });
    if (!result) return base::fail(base::ErrorKind::timeout, "the test's patience");
    return std::move(*result);
  }
  void poll_until(const std::function<bool()>& done) {
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done() && std::chrono::steady_clock::now() < patience) {
      if (loop.poll() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_TRUE(done());
  }
  PopEnd::Why wait_end() {
    poll_until([&] { return end.has_value(); });
    return end ? end->why : PopEnd::Why::cancelled;
  }
  // Writes all of it at once and reads to the end.
  std::string say(std::string octets) {
    const auto connection = serve();
    return wait(say_over(*connection, std::move(octets))).value_or("failed");
  }

  static net::ResultTask<std::string> say_over(net::Connection& connection, std::string octets) {
    CO_CHECK(co_await connection.write(octets, std::chrono::seconds(5)));
    std::string heard;
    while (true) {
      std::array<char, 1000> buffer;
      CO_TRY(const auto count, co_await connection.read_some(buffer, std::chrono::seconds(5)));
      if (count == 0) co_return heard;
      heard.append(buffer.data(), count);
    }
  }

  Sessions sessions;  // outlives the tasks that the loop holds
  net::Loop loop;
  FakeTls tls;
  FakeTls client_tls;
  BobsHandler handler;
  PopOptions options;
  PopClientOptions client_options;
  std::optional<PopEnd> end;
  std::shared_ptr<net::Running> running;

 private:
  template <class T>
  static net::Task<> keep(net::ResultTask<T> task, std::optional<base::Result<T>>& result) {
    result = co_await std::move(task);
  }
  static net::Task<> keep_end(PopServer& server, std::unique_ptr<net::Connection> connection,
                              PopHandler& to, std::optional<PopEnd>& end) {
    end = co_await server.serve(std::move(connection), to);
  }

  net::LoopTimers timers_;
  os::SystemClock clock_;
  CountingRandom random_;
  net::InlineWorkers workers_;
  std::vector<std::unique_ptr<PopServer>> servers_;
};

}  // namespace letterlock::drive::test
