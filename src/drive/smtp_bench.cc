// What it costs to take one message over SMTP, without a network or a store: parsing, the states,
// the handler's calls, the replies.
#include <cstring>

#include <benchmark/benchmark.h>

#include "base/assert.h"
#include "drive/smtp_server.h"
#include "net/loop.h"

namespace letterlock::drive {
namespace {

// A peer whose octets are there already, some at each read, and who hears nothing.
class ScriptedConnection final : public net::Connection {
 public:
  ScriptedConnection(const std::vector<std::string>& groups, std::size_t times)
      : groups_(groups), left_(times) {}
  net::ResultTask<std::size_t> read_some(std::span<char> buffer, base::Milliseconds) override {
    if (left_ == 0) co_return std::size_t{0};
    const std::string_view rest = std::string_view(groups_[group_]).substr(at_);
    const std::size_t count = std::min(rest.size(), buffer.size());
    std::memcpy(buffer.data(), rest.data(), count);
    at_ += count;
    if (at_ == groups_[group_].size()) {
      at_ = 0;
      if (++group_ == groups_.size()) {
        group_ = 1;  // the first is EHLO
        --left_;
      }
    }
    co_return count;
  }
  net::ResultTask<> write(std::string_view, base::Milliseconds) override {
    co_return base::Result<>();
  }
  void close() override {}
  void wake_reader() override {}
  net::Task<> shutdown(base::Milliseconds) override { co_return; }
  net::Endpoint local() const override { return {}; }
  net::Endpoint peer() const override { return {}; }

 private:
  const std::vector<std::string>& groups_;
  std::size_t left_;
  std::size_t group_ = 0;
  std::size_t at_ = 0;
};

class CountingHandler final : public SmtpHandler {
 public:
  std::size_t messages = 0;
  std::uint64_t octets = 0;
  net::Task<smtp::Reply> on_mail(smtp::Mail) override {
    co_return smtp::reply(250, dsn::status::ok, "ok");
  }
  net::Task<smtp::Reply> on_rcpt(smtp::Rcpt) override {
    co_return smtp::reply(250, dsn::status::ok, "ok");
  }
  net::Task<smtp::Reply> on_content_begin() override { co_return smtp::reply(354, ""); }
  net::ResultTask<> on_content(std::string_view part) override {
    octets += part.size();
    co_return base::Result<>();
  }
  net::Task<smtp::Reply> on_content_end(smtp::ContentFacts) override {
    ++messages;
    co_return smtp::reply(250, dsn::status::ok, "taken");
  }
  net::Task<> on_reset() override { co_return; }
};

void take_messages(benchmark::State& state, const std::vector<std::string>& groups) {
  net::Loop loop;
  os::SystemClock clock;
  os::SystemRandom random;
  constexpr std::size_t batch = 100;
  SmtpServerOptions options;
  options.session.host_name = *address::Domain::parse("mx.example");
  options.session.tls = smtp::Need::none;
  std::size_t messages = 0;
  for (auto _ : state) {
    CountingHandler handler;
    SmtpServer server(std::make_unique<ScriptedConnection>(groups, batch), handler, {clock, random},
                      options);
    bool done = false;
    loop.spawn(server.run(), [&] { done = true; });
    while (!done) loop.poll();
    ASSERT(handler.messages == batch);
    messages += batch;
  }
  state.counters["a_message"] = benchmark::Counter(
      static_cast<double>(messages), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

std::string content_of(std::size_t octets) {
  std::string content = "Subject: figures\r\n\r\n";
  while (content.size() < octets) content += std::string(70, 'x') + "\r\n";
  return content;
}
const std::string envelope =
    "MAIL FROM:<alice@acorn.example> SIZE=4096 BODY=8BITMIME\r\nRCPT TO:<bob@birch.example>\r\n";

void take_by_data(benchmark::State& state) {
  const std::string content = content_of(static_cast<std::size_t>(state.range(0)));
  take_messages(state, {"EHLO client.example\r\n", envelope + "DATA\r\n", content + ".\r\n"});
}
BENCHMARK(take_by_data)->Arg(4096)->Arg(1 << 20);

void take_by_chunk(benchmark::State& state) {
  const std::string content = content_of(static_cast<std::size_t>(state.range(0)));
  take_messages(state,
                {"EHLO client.example\r\n",
                 envelope + "BDAT " + std::to_string(content.size()) + " LAST\r\n" + content});
}
BENCHMARK(take_by_chunk)->Arg(4096)->Arg(1 << 20);

}  // namespace
}  // namespace letterlock::drive
