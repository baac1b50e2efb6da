// The sending side against a server that says anything. Whatever it says: the conversation ends,
// nothing of the content leaves before the server has asked for it, no password crosses in clear, a
// message counts as taken only behind its whole content, and each recipient has its own answer.
#include "drive/smtp_client.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"
#include "drive/fake_tls.h"
#include "fuzz/mutators.h"
#include "net/loop.h"
#include "os/clock.h"

namespace {

using namespace letterlock;
using namespace letterlock::drive;

constexpr std::string_view password = "wet-ink-77";
constexpr std::string_view letter = "Subject: x\r\n\r\n.the letter itself\r\n";
constexpr std::string_view heart = "the letter itself";

// What both ends of the conversation leave behind.
struct Record {
  std::string said;      // by the client, all of it
  std::string heard;     // by the client so far
  bool in_tls = false;   // since the handshake began
  std::string in_clear;  // said outside TLS
};

// Each read brings one piece of the script: what stands before the next 0xFE. After its end the
// server has closed.
class ScriptedServer final : public net::Connection {
 public:
  ScriptedServer(std::string_view script, Record& record) : script_(script), record_(record) {}

  net::ResultTask<std::size_t> read_some(std::span<char> buffer, base::Milliseconds) override {
    if (closed_) co_return base::fail(base::ErrorKind::closed, "closed");
    while (script_.starts_with('\xFE')) script_.remove_prefix(1);
    const auto piece = script_.substr(0, std::min(script_.find('\xFE'), buffer.size()));
    std::ranges::copy(piece, buffer.begin());
    script_.remove_prefix(piece.size());
    record_.heard += piece;
    co_return piece.size();
  }
  net::ResultTask<> write(std::string_view octets, base::Milliseconds) override {
    if (closed_) co_return base::fail(base::ErrorKind::closed, "closed");
    record_.said += octets;
    if (octets == test::FakeTls::client_hello) record_.in_tls = true;
    if (!record_.in_tls) record_.in_clear += octets;
    co_return base::Result<>();
  }
  void close() override { closed_ = true; }
  void wake_reader() override {}
  net::Task<> shutdown(base::Milliseconds) override {
    closed_ = true;
    co_return;
  }
  net::Endpoint local() const override { return {}; }
  net::Endpoint peer() const override { return {}; }

 private:
  std::string_view script_;
  Record& record_;
  bool closed_ = false;
};

class Letter final : public SmtpContent {
 public:
  net::ResultTask<std::string_view> next() override {
    const auto part = left_.substr(0, 20);
    left_.remove_prefix(part.size());
    co_return part;
  }

 private:
  std::string_view left_ = letter;
};

// What the first octet of the input says to do.
struct Plan {
  explicit Plan(std::uint8_t octet)
      : tls((octet & 1) != 0),
        chunks((octet & 2) != 0),
        sign_in((octet & 4) != 0),
        plain((octet & 8) != 0),
        utf8((octet & 16) != 0) {}
  bool tls, chunks, sign_in, plain, utf8;
};

net::ResultTask<> one_message(SmtpClient& client, const Plan& plan, const Record& record) {
  smtp::Mail mail;
  mail.from = *address::ReversePath::from_text("a@a.example");
  mail.smtputf8 = plan.utf8;
  std::vector<smtp::Rcpt> recipients{{*address::Address::parse("b@b.example"), {}},
                                     {*address::Address::parse("c@c.example"), {}}};
  const std::size_t heard = record.heard.size();
  CO_TRY(const auto envelope, co_await client.envelope(mail, recipients));
  ASSERT(!client.has_content_begun());
  if (envelope.unfit) co_return base::Result<>();
  ASSERT(envelope.recipients.size() == recipients.size());
  if (!envelope.mail.is_positive()) ASSERT(!envelope.is_open());
  if (!envelope.is_open()) {
    CO_TRY(const auto reset, co_await client.reset());
    ASSERT(reset.code >= 200);
    co_return base::Result<>();
  }
  const std::size_t before = record.said.size();
  Letter content;
  const auto reply = co_await client.content(letter.size(), content);
  const auto sent = std::string_view(record.said).substr(before);
  // A server that offered no chunks was asked first, with the envelope or behind it, and agreed.
  if (sent.contains(heart)) {
    ASSERT(client.has_content_begun());
    ASSERT(sent.starts_with("BDAT ") || record.heard.substr(heard).contains('3'));
  }
  if (reply && reply->is_positive())
    ASSERT(sent.contains(heart) && (sent.ends_with("\r\n.\r\n") || sent.contains(letter)));
  if (!reply) co_return base::fail(reply.error());
  co_return base::Result<>();
}

net::ResultTask<> converse(SmtpClient& client, const Plan& plan, tls::Tls& tls,
                           const Record& record) {
  CO_TRY(const auto greeting, co_await client.greeting());
  if (!greeting.is_positive()) co_return base::Result<>();
  CO_TRY(const auto hello, co_await client.ehlo("c.example"));
  if (!hello.is_positive()) co_return base::Result<>();
  if (plan.tls && client.offered().starttls) {
    CO_TRY(const auto agreed, co_await client.start_tls(tls, {}));
    ASSERT(agreed.is_positive() == (client.tls() != nullptr));
    if (agreed.is_positive()) {
      ASSERT(client.offered() == smtp::Offered());  // what was offered in clear is forgotten
      CO_TRY(const auto again, co_await client.ehlo("c.example"));
      if (!again.is_positive()) co_return base::Result<>();
    }
  }
  if (plan.sign_in) {
    net::InlineWorkers workers;
    sasl::ClientOptions options{
        .mechanism = plan.plain ? sasl::Mechanism::plain : sasl::Mechanism::scram_sha_256,
        .user = "alice",
        .password = std::string(password),
        .nonce = "abc",
        .rounds_min = 1};
    const auto welcome = co_await client.sign_in(std::move(options), workers);
    if (!client.tls()) ASSERT(!welcome);
    if (!welcome) co_return base::fail(welcome.error());
  }
  for (int i = 0; i < 2; ++i) CO_CHECK(co_await one_message(client, plan, record));
  co_return base::Result<>();
}

net::Task<> run(SmtpClient& client, const Plan& plan, tls::Tls& tls, const Record& record,
                bool& ended) {
  const auto result = co_await converse(client, plan, tls, record);
  if (!result) ASSERT(!client.is_usable() || result.error().kind != base::ErrorKind::timeout);
  co_await client.quit();
  ended = true;
}

constexpr std::string_view words[] = {
    "220 mx.example ESMTP\r\n\xFE",
    ("250-mx.example\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
     "250-STARTTLS\r\n250 AUTH PLAIN SCRAM-SHA-256\r\n\xFE"),
    "250 mx.example\r\n\xFE",
    "250 2.1.0 ok\r\n\xFE",
    "250 2.1.0 ok\r\n250 2.1.5 ok\r\n550 5.1.1 no\r\n\xFE",
    "354 go on\r\n\xFE",
    "220 2.0.0 go ahead\r\n\xFE",
    "HELLO-S\n\xFE",
    "334 \r\n\xFE",
    "235 2.7.0 welcome\r\n\xFE",
    "421 4.7.0 no\r\n\xFE",
    "503 5.5.1 no\r\n\xFE",
    "250-\r\n",
    "\n",
    "999 \r\n\xFE"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Plan plan(data[0]);
  net::Loop loop;
  const os::SystemClock clock;
  test::FakeTls tls;
  Record record;
  bool ended = false;
  {
    SmtpClient client(
        std::make_unique<ScriptedServer>(
            std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1), record),
        clock,
        {.transfer = plan.chunks ? SmtpClientOptions::Transfer::chunks_if_offered
                                 : SmtpClientOptions::Transfer::data});
    const auto running = loop.spawn(run(client, plan, tls, record, ended));
    while (loop.poll() > 0) {
    }
    ASSERT(ended);
  }
  for (const auto& secret : {std::string(password),
                             base::to_base64(std::string("\0alice\0", 7) + std::string(password))})
    ASSERT(!record.in_clear.contains(secret));
  if (!record.said.contains("DATA\r\n") && !record.said.contains("BDAT "))
    ASSERT(!record.said.contains(heart));
  ASSERT(record.said.size() < 4096);
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned int seed) {
  return letterlock::fuzz::change_lines({data, size_max}, size, seed, 1, words);
}
