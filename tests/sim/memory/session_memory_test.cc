// However large a message, a session that takes it or gives it holds 256 KiB at most: each door,
// and the way out, with 50 MiB. What is on the simulated wire is the kernel's in the real world and
// has an allowance; OpenSSL's own buffers are in scenario 05, which measures the whole process.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "sim/memory/heap.h"
#include "sim/memory/long_store.h"
#include "sim/platform_world.h"

namespace letterlock::test {
namespace {

constexpr std::size_t session_octets_max = 256 * 1024;
constexpr std::uint64_t message_octets = 50ULL << 20;
// What is under way and what has arrived, in strings that have doubled as they grew. The other end
// here has buffers of 4 KiB.
constexpr std::size_t wire_octets_max = 2 * sim::window_octets;
constexpr auto patience = 10min;

// The other end of a connection, with next to no memory of its own.
class Raw {
 public:
  explicit Raw(std::unique_ptr<net::Connection> connection) : connection_(std::move(connection)) {}

  net::ResultTask<> say(std::string line) {
    line += "\r\n";
    co_return co_await connection_->write(line, patience);
  }
  net::ResultTask<std::string> line() {
    while (true) {
      if (const auto end = have_.find("\r\n"); end != std::string::npos) {
        auto got = have_.substr(0, end);
        have_.erase(0, end + 2);
        co_return got;
      }
      CO_CHECK(co_await more());
    }
  }
  // The last line of a reply of SMTP to this command.
  net::ResultTask<std::string> ask(std::string command) {
    if (!command.empty()) CO_CHECK(co_await say(std::move(command)));
    while (true) {
      CO_TRY(auto got, co_await line());
      if (got.size() < 4 || got[3] != '-') co_return got;
    }
  }
  // A content of exactly `message_octets`, ended; the reply.
  net::ResultTask<std::string> give_content() {
    std::string head = "From: alice@acorn.example\r\nTo: bob@birch.example\r\n";
    head += "Date: Mon, 23 Nov 2026 10:02:09 +0000\r\nMessage-ID: <long@acorn.example>\r\n";
    const auto left = (message_octets - head.size()) % LongStore::line_octets;
    head += "X: " + std::string(left + LongStore::line_octets - 7, 'x') + "\r\n\r\n";
    CO_CHECK(co_await connection_->write(head, patience));
    std::string lines;
    while (lines.size() < 4096) lines += std::string(LongStore::line_octets - 2, 'y') + "\r\n";
    for (auto at = head.size(); at < message_octets;) {
      const auto size = std::min<std::uint64_t>(lines.size(), message_octets - at);
      CO_CHECK(co_await connection_->write(std::string_view(lines).substr(0, size), patience));
      at += size;
    }
    co_return co_await ask(".");
  }
  // What comes until a line with only a dot: how many octets.
  net::ResultTask<std::uint64_t> take_content() {
    std::uint64_t count = 0;
    while (true) {
      if (const auto end = have_.find("\r\n.\r\n"); end != std::string::npos) {
        have_.erase(0, end + 5);
        co_return count + end + 2;
      }
      const auto done = have_.size() - std::min<std::size_t>(have_.size(), 4);
      have_.erase(0, done);
      count += done;
      CO_CHECK(co_await more());
    }
  }

 private:
  net::ResultTask<> more() {
    std::array<char, 4096> buffer;
    CO_TRY(const auto count, co_await connection_->read_some(buffer, patience));
    if (count == 0) co_return base::fail(base::ErrorKind::closed, "the peer has left");
    have_.append(buffer.data(), count);
    co_return base::Result<>();
  }

  std::unique_ptr<net::Connection> connection_;
  std::string have_;
};

class SessionMemory : public testing::Test {
 protected:
  SessionMemory() { w.network.latency(1ms, 2ms); }

  Raw connect(std::uint16_t port) {
    auto connection = w.wait(w.client.connect({w.node.addresses().front(), port}, {})).value();
    if (port == 25) return Raw(std::move(connection));
    return Raw(w.wait(w.client_tls.connect(std::move(connection),
                                           {.server_name = "mail.acorn.example"}, patience))
                   .value());
  }
  void accepts_any(const char* who) {
    directory::AccountChange change;
    change.accepts = directory::Accepts::any;
    ASSERT_TRUE(w.wait(w.platform->operations().set_account(address::Address::parse(who).value(),
                                                            change, "test")));
  }
  std::string ask(Raw& raw, std::string command) {
    const auto reply = w.wait(raw.ask(std::move(command)));
    return reply ? *reply : "error: " + reply.error().what;
  }
  void begin() {
    before = heap::live();
    heap::mark();
  }
  void expect_bounded(std::string_view what) const {
    const auto most = heap::highest() - before;
    RecordProperty(std::string(what), static_cast<int>(most));
    EXPECT_LE(most, session_octets_max + wire_octets_max) << what;
  }

  PlatformWorld w{1, {}, [](store::Store& store) { return std::make_unique<LongStore>(store); }};
  std::size_t before = 0;
};

TEST_F(SessionMemory, ReceivingDeliveringAndFetching) {
  accepts_any("bob@birch.example");
  begin();
  {
    auto peer = connect(25);
    ask(peer, "");
    ask(peer, "EHLO mx.modern.example");
    ask(peer, "MAIL FROM:<carol@modern.example>");
    ask(peer, "RCPT TO:<bob@birch.example>");
    ASSERT_TRUE(ask(peer, "DATA").starts_with("354"));
    const auto said = w.wait(peer.give_content(), 10h);
    ASSERT_TRUE(said && said->starts_with("250")) << (said ? *said : said.error().what);
  }
  ASSERT_TRUE(w.drain(1min));
  expect_bounded("mx and mda");
  ASSERT_EQ(w.inbox("bob@birch.example").size(), 1U);
  begin();
  auto client = connect(995);
  ask(client, "");
  ask(client, "USER bob@birch.example");
  ASSERT_TRUE(ask(client, "PASS tree house").starts_with("+OK"));
  ASSERT_TRUE(ask(client, "RETR 1").starts_with("+OK"));
  const auto count = w.wait(client.take_content(), 10h);
  ASSERT_TRUE(count) << count.error().what;
  EXPECT_GT(*count, message_octets);
  EXPECT_LT(*count, message_octets + 1000) << "the trace fields of a message";
  expect_bounded("popd");
}

net::Task<> be_a_sink(std::shared_ptr<net::Listener> listener, std::uint64_t& got) {
  auto connection = co_await listener->accept();
  if (!connection) co_return;
  Raw raw(std::move(*connection));
  std::string next = "220 sink.example";
  while (co_await raw.say(next)) {
    const auto command = co_await raw.line();
    if (!command) co_return;
    next = command->starts_with("DATA") ? "354 go on" : "250 so be it";
    if (!command->starts_with("DATA")) continue;
    if (!co_await raw.say(next)) co_return;
    const auto count = co_await raw.take_content();
    if (!count) co_return;
    got = *count;
    next = "250 taken";
  }
}

TEST_F(SessionMemory, SubmittingAndRelaying) {
  accepts_any("alice@acorn.example");
  std::uint64_t got = 0;
  auto& outside = w.network.host("203.0.113.9");
  const std::shared_ptr listener = outside.listen({outside.addresses().front(), 25}).value();
  w.names.zone("modern.example", dns::Security::insecure);
  w.names.mx("modern.example", 10, "mx.modern.example");
  w.names.address("mx.modern.example", "203.0.113.9");
  begin();
  {
    auto client = connect(465);
    ask(client, "");
    ask(client, "EHLO laptop.acorn.example");
    const auto plain = std::string("\0alice@acorn.example\0tree house", 31);
    ASSERT_TRUE(ask(client, "AUTH PLAIN " + base::to_base64(plain)).starts_with("235"));
    ask(client, "MAIL FROM:<alice@acorn.example>");
    ask(client, "RCPT TO:<carol@modern.example>");
    ASSERT_TRUE(ask(client, "DATA").starts_with("354"));
    const auto said = w.wait(client.give_content(), 10h);
    ASSERT_TRUE(said && said->starts_with("250")) << (said ? *said : said.error().what);
  }
  expect_bounded("msa");
  begin();
  w.world.loop().spawn(be_a_sink(listener, got));
  EXPECT_TRUE(w.drain(1h));
  EXPECT_GT(got, message_octets);
  EXPECT_LT(got, message_octets + 1000) << "the trace fields of a message";
  expect_bounded("relay");
  listener->close();
}

}  // namespace
}  // namespace letterlock::test
