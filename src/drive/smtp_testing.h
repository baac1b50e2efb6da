// For tests of the drivers of SMTP: a handler that notes what it is told, and sessions over pipes.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "drive/fake_tls.h"
#include "drive/smtp_client.h"
#include "drive/smtp_server.h"
#include "net/loop.h"
#include "net/pipe.h"

namespace letterlock::drive::test {

using namespace std::chrono_literals;

inline void run_until(net::Loop& loop, const std::function<bool()>& done) {
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (!done() && std::chrono::steady_clock::now() < until) {
    if (loop.poll() == 0) std::this_thread::sleep_for(1ms);
  }
  ASSERT_TRUE(done()) << "nothing happens any more";
}

// Notes what it is told, as lines; takes what isn't addressed to "no@…".
class NotingHandler final : public SmtpHandler {
 public:
  std::vector<std::string> notes;
  std::vector<std::string> shown;  // each password as "user password"
  std::vector<std::string> messages;
  std::string content;
  std::uint64_t content_octets = 0;
  bool keeps_content = true;
  std::size_t largest_part = 0;
  base::Result<> content_result;
  smtp::Reply end_reply = smtp::reply(250, dsn::status::ok, "taken");
  smtp::Reply connect_reply = smtp::reply(220, "");
  std::optional<smtp::Reply> begin_reply;
  sasl::ScramKeys keys;
  net::LoopTimers timers;
  base::Milliseconds rcpt_pause{0};
  bool ended = false;
  SmtpEnd end = SmtpEnd::quit;

  net::Task<smtp::Reply> on_connect() override { co_return connect_reply; }
  net::Task<smtp::Reply> on_ehlo(smtp::Hello hello) override {
    notes.push_back("ehlo " + hello.name);
    co_return smtp::reply(250, "");
  }
  net::Task<> on_tls(const tls::Session& session) override {
    notes.push_back("tls " + std::string(hop::name(session.facts().version)));
    co_return;
  }
  net::ResultTask<SmtpAccount> on_auth_keys(std::string user, sasl::Mechanism) override {
    notes.push_back("keys " + user);
    if (user == "broken") co_return base::fail(base::ErrorKind::unavailable, "no directory");
    if (user == "alice") co_return SmtpAccount{keys, sasl::Standing::welcome};
    co_return SmtpAccount{sasl::fake_keys("0123456789abcdef", user, sasl::rounds_min),
                          sasl::Standing::refused};
  }
  net::ResultTask<sasl::Standing> on_auth_check(sasl::NeedCheck check) override {
    co_return check.user == "alice" && check.password == "secret" ? sasl::Standing::welcome
                                                                  : sasl::Standing::refused;
  }
  net::Task<smtp::Reply> on_authenticated(sasl::Success success,
                                          sasl::Mechanism mechanism) override {
    notes.push_back("signed in " + success.user + " by " + std::string(sasl::name(mechanism)) +
                    (success.channel_bound ? " bound" : ""));
    co_return smtp::reply(235, dsn::Status{2, 7, 0}, "welcome");
  }
  net::Task<> on_auth_failed(sasl::Failure failure, sasl::Mechanism) override {
    notes.push_back("auth failed: " + failure.detail);
    co_return;
  }
  net::Task<> on_password_shown(std::string user, std::string password) override {
    shown.push_back(user + " " + password);
    co_return;
  }
  net::Task<smtp::Reply> on_mail(smtp::Mail mail) override {
    notes.push_back("mail " + mail.from.text());
    co_return smtp::reply(250, dsn::status::ok, "ok");
  }
  net::Task<smtp::Reply> on_rcpt(smtp::Rcpt rcpt) override {
    notes.push_back("rcpt " + rcpt.to.text());
    if (rcpt_pause > base::Milliseconds(0)) (void)co_await timers.sleep(rcpt_pause);
    if (rcpt.to.local_part() == "no")
      co_return smtp::reply(550, dsn::status::bad_mailbox, "no such user");
    co_return smtp::reply(250, dsn::status::address_valid, "ok");
  }
  net::Task<smtp::Reply> on_content_begin() override {
    notes.emplace_back("begin");
    content.clear();
    content_octets = 0;
    co_return begin_reply.value_or(smtp::reply(354, ""));
  }
  net::ResultTask<> on_content(std::string_view octets) override {
    largest_part = std::max(largest_part, octets.size());
    content_octets += octets.size();
    if (keeps_content) content += octets;
    co_await net::yield();
    co_return content_result;
  }
  net::Task<smtp::Reply> on_content_end(smtp::ContentFacts facts) override {
    EXPECT_EQ(facts.octets, content_octets);
    notes.emplace_back("end");
    messages.push_back(std::move(content));
    co_return end_reply;
  }
  net::Task<> on_reset() override {
    notes.emplace_back("reset");
    co_return;
  }
  net::Task<> on_end(SmtpEnd how, std::string) override {
    end = how;
    ended = true;
    co_return;
  }
};

inline SmtpServerOptions test_options() {
  SmtpServerOptions options;
  options.session.host_name = *address::Domain::parse("mx.example");
  options.session.authentication = smtp::Need::offered;
  options.session.mechanisms = {sasl::Mechanism::plain, sasl::Mechanism::scram_sha_256,
                                sasl::Mechanism::scram_sha_256_plus};
  return options;
}

// A server over one end of a pipe; the test holds the other.
struct ServedPipe {
  explicit ServedPipe(SmtpServerOptions its = test_options()) : options(std::move(its)) {
    auto [first, second] = net::make_pipe();
    peer = std::move(second);
    server = std::make_unique<SmtpServer>(std::move(first), handler,
                                          SmtpServerWorld{clock, random, &tls, &sessions}, options);
    running = loop.spawn(server->run());
  }
  ~ServedPipe() {
    if (peer) peer->close();
    run_until(loop, [&] { return handler.ended; });
    loop.poll();
  }

  // Runs a task of the test to its end.
  void run(net::Task<> task) {
    bool done = false;
    loop.spawn(std::move(task), [&] { done = true; });
    run_until(loop, [&] { return done; });
  }

  const SmtpServerOptions options;
  Sessions sessions;  // outlives the tasks that the loop holds
  net::Loop loop;
  os::SystemClock clock;
  os::SystemRandom random;
  FakeTls tls;
  net::InlineWorkers workers;
  NotingHandler handler;
  std::unique_ptr<net::Connection> peer;
  std::unique_ptr<SmtpServer> server;
  std::shared_ptr<net::Running> running;
};

// Content out of memory, in parts.
class TextContent final : public SmtpContent {
 public:
  explicit TextContent(std::string octets, std::size_t part = 64 * 1024)
      : octets_(std::move(octets)), part_(part) {}
  net::ResultTask<std::string_view> next() override {
    const std::string_view part = std::string_view(octets_).substr(at_, part_);
    at_ += part.size();
    co_return part;
  }

 private:
  std::string octets_;
  std::size_t part_;
  std::size_t at_ = 0;
};

}  // namespace letterlock::drive::test
