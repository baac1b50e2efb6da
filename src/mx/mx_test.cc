// A peer talks to the mx agent over a simulated network.
#include "mx/mx.h"

#include "custody/talk.h"
#include "mailbox/mailbox.h"
#include "sim/names.h"

namespace letterlock::mx {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string letter = "From: carol@modern.example\r\nSubject: Figures\r\n\r\nThe figures.\r\n";

class MxTest : public custody::test::Receiving {
 protected:
  MxTest() {
    options.node = "dublin-1";
    options.server.session.host_name = address::Domain::parse("mail.acorn.example").value();
    options.server.session.tls = smtp::Need::offered;
    options.server.session.authentication = smtp::Need::none;
    mx.emplace(
        Ports{store, directory, custody, admission, world.clock(), world.random(), tls, events},
        options, &peer_names);
    serve(25, [this](std::unique_ptr<net::Connection> connection) {
      return mx->session(std::move(connection));
    });
  }
  ~MxTest() override {
    stop();
    world.loop().spawn(peer_names.close(world.timers()));
    world.advance(1s);
  }

  Talk peer_talks() {
    Talk talk(*this, connect(25));
    EXPECT_THAT(talk.read(), StartsWith("220 mail.acorn.example"));
    EXPECT_THAT(talk.ask("EHLO mx.modern.example"), StartsWith("250"));
    return talk;
  }
  // The one entry of this tenant, as its content.
  std::string only(const base::TenantId& tenant) {
    const auto entries = queued(tenant);
    EXPECT_EQ(entries.size(), 1U);
    return entries.empty() ? "" : octets_of(entries[0].message.blob);
  }

  // The reception of a message that comes in after this time of the session.
  hop::Hop received_after(base::Milliseconds time) {
    auto talk = peer_talks();
    world.advance(time);
    talk.ask("MAIL FROM:<carol@modern.example>");
    talk.ask("RCPT TO:<bob@birch.example>");
    const auto said = talk.message(letter);
    const auto id = base::TraceId::parse(said.substr(said.rfind(' ') + 1));
    EXPECT_TRUE(id) << said;
    return id ? trace_of(birch, *id).value().hops.at(0) : hop::Hop();
  }

  sim::Names names{world};
  dns::PeerNames peer_names{names, world.loop(), world.clock()};
  Options options;
  std::optional<Mx> mx;
};

TEST_F(MxTest, TheTraceIdIsInTheReplyAndInReceived) {
  auto talk = peer_talks();
  EXPECT_THAT(talk.ask("MAIL FROM:<carol@modern.example>"), StartsWith("250"));
  EXPECT_THAT(talk.ask("RCPT TO:<bob@birch.example>"), StartsWith("250 2.1.5"));
  const auto said = talk.message(letter);
  ASSERT_THAT(said, StartsWith("250 2.0.0 taken, trace "));
  const auto id = base::TraceId::parse(said.substr(said.rfind(' ') + 1));
  ASSERT_TRUE(id);
  const auto content = only(birch);
  EXPECT_THAT(content, StartsWith("Received: from mx.modern.example ([198.51.100.7])"));
  EXPECT_THAT(content, HasSubstr("with ESMTP id " + id->text()));
  EXPECT_THAT(content, HasSubstr("for <bob@birch.example>"));
  EXPECT_TRUE(content.ends_with(letter));
  const auto trace = trace_of(birch, *id).value();
  ASSERT_EQ(trace.hops.size(), 1U);
  EXPECT_EQ(trace.hops[0].kind, hop::Kind::relay);
  EXPECT_EQ(trace.hops[0].protection.level, hop::Level::clear);
  EXPECT_EQ(trace.hops[0].from.who, "[198.51.100.7]");
  EXPECT_EQ(trace.hops[0].from.calls_itself, "mx.modern.example");
  EXPECT_EQ(trace.trace.header_from, "carol@modern.example");
}

// What a stranger says of himself is told as that, unless DNS says so both ways.
TEST_F(MxTest, ThePeersNameIsOneThatIsProved) {
  names.reverse("198.51.100.7", "mx.modern.example");
  names.address("mx.modern.example", "198.51.100.7");
  const auto hop = received_after(1s);
  EXPECT_EQ(hop.from.who, "mx.modern.example");
  EXPECT_EQ(hop.from.calls_itself, "");
  EXPECT_EQ(hop.from.address, "198.51.100.7");
  EXPECT_THAT(octets_of(queued(birch).at(0).message.blob),
              StartsWith("Received: from mx.modern.example (mx.modern.example [198.51.100.7])"));
}

TEST_F(MxTest, AnotherProvedNameStandsBesideWhatThePeerSays) {
  names.reverse("198.51.100.7", "host7.provider.example");
  names.address("host7.provider.example", "198.51.100.7");
  const auto hop = received_after(1s);
  EXPECT_EQ(hop.from.who, "host7.provider.example");
  EXPECT_EQ(hop.from.calls_itself, "mx.modern.example");
}

// The attacker's own zone says that he is the bank.
TEST_F(MxTest, ANameThatDnsDoesNotBearOutIsNoFact) {
  names.reverse("198.51.100.7", "mx.modern.example");
  names.address("mx.modern.example", "203.0.113.1");
  const auto hop = received_after(1s);
  EXPECT_EQ(hop.from.who, "[198.51.100.7]");
  EXPECT_EQ(hop.from.calls_itself, "mx.modern.example");
}

TEST_F(MxTest, NobodyWaitsForNames) {
  names.reverse("198.51.100.7", "mx.modern.example");
  names.address("mx.modern.example", "198.51.100.7");
  names.fail("7.100.51.198.in-addr.arpa", sim::Names::Type::ptr, sim::Names::Failure::timeout);
  const auto began = world.clock().now();
  EXPECT_EQ(received_after(0s).from.who, "[198.51.100.7]");
  EXPECT_LT(world.clock().now() - began, 20s);
}

// Nobody signs in here, but a client that tries has shown its password.
TEST_F(MxTest, APasswordInVainIsRecorded) {
  const auto bob_at = custody::test::at("bob@birch.example");
  for (const std::string password : {"bush house", "tree house"}) {
    auto talk = peer_talks();
    EXPECT_THAT(talk.ask("AUTH LOGIN"), StartsWith("504"));
    EXPECT_THAT(talk.ask(base::to_base64("bob@birch.example")), StartsWith("500"));
    EXPECT_THAT(talk.ask(base::to_base64(password)), StartsWith("500"));
    EXPECT_TRUE(wait(directory.write_openings()));
    const auto openings = wait(operations.list_openings(birch, bob_at)).value();
    ASSERT_EQ(openings.size(), password == "tree house" ? 1U : 0U);
    if (!openings.empty()) EXPECT_EQ(openings[0].how, directory::Opening::How::in_clear);
  }
}

TEST_F(MxTest, TheBarePostmasterIsTheSites) {
  auto talk = peer_talks();
  talk.ask("MAIL FROM:<carol@modern.example>");
  EXPECT_THAT(talk.ask("RCPT TO:<Postmaster>"), StartsWith("550 5.7.1")) << "nobody is named yet";
  ASSERT_TRUE(wait(operations.set_site_postmaster(custody::test::at("bob@birch.example"), "test")));
  EXPECT_THAT(talk.ask("RCPT TO:<abuse@mail.acorn.example>"), StartsWith("550 5.7.1"));
  EXPECT_THAT(talk.ask("RCPT TO:<postMaster>"), StartsWith("250 2.1.5"));
  EXPECT_THAT(talk.ask("RCPT TO:<Postmaster@mail.acorn.example>"), StartsWith("250 2.1.5"));
  EXPECT_THAT(talk.message(letter), StartsWith("250"));
  const auto rows = queued(birch);
  ASSERT_EQ(queued(birch).size(), 1U);
  ASSERT_EQ(queued(birch)[0].recipients.size(), 1U) << "named twice, it is one";
  EXPECT_EQ(queued(birch)[0].recipients[0].address, "bob@birch.example");
  EXPECT_EQ(queued(birch)[0].recipients[0].address_written_to(), "postmaster@mail.acorn.example");
  const auto trace = trace_of(birch, queued(birch)[0].message.trace).value().trace;
  EXPECT_EQ(trace.recipients.at(0).address, "postmaster@mail.acorn.example") << "as it was written";
}

// The one that mda writes says who is told of a failure; a stranger's beside it would say another.
TEST_F(MxTest, AReturnPathFromOutsideIsTakenOut) {
  auto talk = peer_talks();
  talk.ask("MAIL FROM:<carol@modern.example>");
  talk.ask("RCPT TO:<bob@birch.example>");
  EXPECT_THAT(talk.message("return-path: <boss@birch.example>\r\nSubject: x\r\n"
                           "Return-Path:\r\n <eve@old.example>\r\n\r\nReturn-Path: body\r\n"),
              StartsWith("250"));
  EXPECT_TRUE(only(birch).ends_with("\r\nSubject: x\r\n\r\nReturn-Path: body\r\n")) << only(birch);
  EXPECT_THAT(only(birch), Not(HasSubstr("boss")));
  const auto trace = trace_of(birch, queued(birch)[0].message.trace).value();
  EXPECT_THAT(trace.hops[0].changes,
              ElementsAre(hop::Change::trace_fields_added, hop::Change::return_path_removed));
}

TEST_F(MxTest, OverTlsItIsEncryptedAndReceivedSaysSo) {
  auto talk = peer_talks();
  EXPECT_THAT(talk.start_tls(), StartsWith("220"));
  EXPECT_THAT(talk.ask("MAIL FROM:<carol@modern.example>"), StartsWith("503")) << "no EHLO yet";
  const auto hello = talk.ask("EHLO mx.modern.example");
  EXPECT_THAT(hello, Not(HasSubstr("STARTTLS")));
  EXPECT_THAT(hello, Not(HasSubstr("AUTH")));
  talk.ask("MAIL FROM:<carol@modern.example>");
  talk.ask("RCPT TO:<bob@birch.example>");
  EXPECT_THAT(talk.message(letter), StartsWith("250"));
  EXPECT_THAT(only(birch), HasSubstr("with ESMTPS"));
  EXPECT_THAT(only(birch), HasSubstr("tls TLS_AES_"));
  const auto trace = trace_of(birch, queued(birch)[0].message.trace).value();
  EXPECT_EQ(trace.hops[0].protection.level, hop::Level::encrypted);
  EXPECT_EQ(trace.hops[0].protection.tls.exporter_digest.size(), 64U);
}

TEST_F(MxTest, Attack15NoOpenRelay) {
  auto talk = peer_talks();
  talk.ask("MAIL FROM:<carol@modern.example>");
  for (const auto* to : {"dave@old.example",
                         "dave%old.example@acorn.example",
                         "@acorn.example:dave@old.example",
                         "@acorn.example,@birch.example:dave@old.example",
                         "\"dave@old.example\"@acorn.example",
                         "\"dave@old.example\"",
                         "dave@[203.0.113.2]",
                         "dave@[192.0.2.1]",
                         "dave@[IPv6:2001:db8::1]",
                         "dave@acorn.example.",
                         "dave@old.example.acorn.example",
                         "old.example!dave@acorn.example",
                         "old.example!dave",
                         "dave@acorn.example@old.example",
                         "dave@old.example%acorn.example",
                         "dave%old.example",
                         "dave@ACORN.example.old.example",
                         "dave@localhost",
                         "dave",
                         "\"\"@acorn.example",
                         "dave@mail.acorn.example",
                         "postmaster@old.example",
                         "alice@acorn.example@old.example",
                         "\"alice\"@old.example",
                         "alice@xn--acorn.example",
                         "alice@acorn",
                         "alice@example",
                         "alice@.acorn.example",
                         "<dave@old.example>",
                         "alice@acorn.example>,<dave@old.example",
                         "alice @acorn.example",
                         "alice@acorn.example dave@old.example",
                         "<${run{x}}@acorn.example>",
                         "<;id;@acorn.example>",
                         "../../x@acorn.example",
                         "-x@acorn.example",
                         "alice@acorn.example\tdave@old.example"}) {
    const auto said = talk.ask("RCPT TO:<" + std::string(to) + ">");
    EXPECT_THAT(said, StartsWith("5")) << to;
    // A new session before the errors end this one.
    talk = peer_talks();
    talk.ask("MAIL FROM:<carol@modern.example>");
  }
  EXPECT_TRUE(queued(acorn).empty());
}

TEST_F(MxTest, WhoIsHereIsFoundInAnyCase) {
  auto talk = peer_talks();
  talk.ask("MAIL FROM:<carol@modern.example>");
  for (const auto* to :
       {"ALICE@Acorn.EXAMPLE", "alice+lists@acorn.example", "\"alice\"@acorn.example",
        "postmaster@acorn.example", "abuse@birch.example"})
    EXPECT_THAT(talk.ask("RCPT TO:<" + std::string(to) + ">"), StartsWith("250")) << to;
}

TEST_F(MxTest, UnknownAndSuspendedAreRefused) {
  set_account("bob@birch.example", {.state = directory::Account::State::suspended});
  auto talk = peer_talks();
  talk.ask("MAIL FROM:<carol@modern.example>");
  EXPECT_THAT(talk.ask("RCPT TO:<nobody@acorn.example>"), StartsWith("550 5.1.1"));
  EXPECT_EQ((*events.last("mx.recipient_refused"))["tenant"], "acorn.example");
  EXPECT_THAT(talk.ask("RCPT TO:<bob@birch.example>"), StartsWith("550 5.2.1"));
  EXPECT_EQ((*events.last("mx.recipient_refused"))["tenant"], "birch.example");
  EXPECT_THAT(talk.ask("RCPT TO:<dave@old.example>"), StartsWith("550 5.7.1"));
  EXPECT_EQ(events.count("mx.recipient_refused"), 3U);
  EXPECT_EQ((*events.last("mx.recipient_refused"))["tenant"], "");
  EXPECT_THAT(talk.ask("DATA"), StartsWith("5"));
}

TEST_F(MxTest, Attack14ARecipientIsOneHoweverOften) {
  auto talk = peer_talks();
  talk.ask("MAIL FROM:<carol@modern.example>");
  for (int i = 0; i < 50; ++i)
    EXPECT_THAT(talk.ask("RCPT TO:<bob@birch.example>"), StartsWith("250")) << i;
  EXPECT_THAT(talk.message(letter), StartsWith("250"));
  ASSERT_EQ(queued(birch).size(), 1U);
  EXPECT_EQ(queued(birch)[0].recipients.size(), 1U);
}

TEST_F(MxTest, Attack14ALoopEndsAt100) {
  const auto with = [&](unsigned count) {
    std::string content;
    for (unsigned i = 0; i < count; ++i) content += "Received: by mx.modern.example; x\r\n";
    auto talk = peer_talks();
    talk.ask("MAIL FROM:<carol@modern.example>");
    talk.ask("RCPT TO:<bob@birch.example>");
    return talk.message(content + letter);
  };
  EXPECT_THAT(with(101), StartsWith("554 5.4.6"));
  EXPECT_TRUE(queued(birch).empty());
  EXPECT_THAT(with(100), StartsWith("250"));
}

TEST_F(MxTest, TwoTenantsInOneMessage) {
  auto talk = peer_talks();
  talk.ask("MAIL FROM:<carol@modern.example>");
  talk.ask("RCPT TO:<bob@birch.example>");
  talk.ask("RCPT TO:<alice@acorn.example>");
  EXPECT_THAT(talk.message(letter), StartsWith("250"));
  EXPECT_EQ(only(birch), only(acorn));
  // RFC 5321 §7.2: one recipient isn't told of another.
  EXPECT_THAT(only(birch), Not(HasSubstr("bob@")));
  EXPECT_THAT(only(birch), Not(HasSubstr("alice@")));
}

TEST_F(MxTest, TheNullReversePath) {
  auto talk = peer_talks();
  EXPECT_THAT(talk.ask("MAIL FROM:<>"), StartsWith("250"));
  EXPECT_THAT(talk.ask("RCPT TO:<bob@birch.example>"), StartsWith("250"));
  EXPECT_THAT(talk.message(letter), StartsWith("250"));
  EXPECT_EQ(queued(birch).at(0).message.mail_from, "");
}

TEST_F(MxTest, TooManyFromOneAddress) {
  std::vector<std::unique_ptr<net::Connection>> held;
  for (int i = 0; i < 3; ++i) held.push_back(connect(25));
  world.advance(1s);
  Talk talk(*this, connect(25));
  EXPECT_THAT(talk.read(), StartsWith("421 4.3.2"));
  EXPECT_EQ(events.count("session.refused"), 1U);
  held.clear();
  world.advance(1s);
  EXPECT_THAT(peer_talks().ask("NOOP"), StartsWith("250"));
}

TEST_F(MxTest, WhatCannotBeKeptIsNotTaken) {
  auto talk = peer_talks();
  const auto send = [&] {
    talk.ask("MAIL FROM:<carol@modern.example>");
    talk.ask("RCPT TO:<bob@birch.example>");
    return talk.message(letter);
  };
  store.set_disk_free_octets(0);
  EXPECT_THAT(send(), StartsWith("452 4.3.1"));
  store.set_disk_free_octets(std::uint64_t{1} << 40);
  store.fail_next_commit(base::ErrorKind::io);
  EXPECT_THAT(send(), StartsWith("451 4.3.0"));
  EXPECT_TRUE(queued(birch).empty());
  store.sweep();
  EXPECT_EQ(store.blob_count(), 0U);
  EXPECT_THAT(send(), StartsWith("250"));
  EXPECT_EQ(queued(birch).size(), 1U);
}

// Strangers leave the last of the disk to those who sign in.
TEST_F(MxTest, MailFromOutsideWaitsBeforeTheDiskIsFullForAll) {
  options.spare_octets = 1'000'000;
  mx.emplace(
      Ports{store, directory, custody, admission, world.clock(), world.random(), tls, events},
      options, &peer_names);
  const std::uint64_t reserve = store::MemoryStore::Options().reserve_octets;
  store.set_disk_free_octets(reserve + 1'000'000);
  auto talk = peer_talks();
  EXPECT_THAT(talk.ask("MAIL FROM:<carol@modern.example>"), StartsWith("250"));
  talk.ask("RSET");
  EXPECT_THAT(talk.ask("MAIL FROM:<carol@modern.example> SIZE=1"), StartsWith("452 4.3.1"));
  EXPECT_THAT((*events.last("queue.not_accepted"))["reason"], HasSubstr("mail from outside"));
  store.set_disk_free_octets(reserve + 1'000'001);
  EXPECT_THAT(talk.ask("MAIL FROM:<carol@modern.example> SIZE=1"), StartsWith("250"));
  // Who said no size may have begun while there was room, as many others may.
  talk.ask("RSET");
  talk.ask("MAIL FROM:<carol@modern.example>");
  talk.ask("RCPT TO:<bob@birch.example>");
  EXPECT_THAT(talk.message("Subject: x\r\n\r\n" + std::string(900, 'x') + "\r\n"),
              StartsWith("452 4.3.1"));
  EXPECT_EQ(store.blob_count(), 0U) << "nothing of it is left lying";
  EXPECT_TRUE(queued(birch).empty());
}

// ---- mailboxes that are full: refused while the peer still has the message ----

class MxQuota : public MxTest {
 protected:
  // Bob may have so many octets, and has so many.
  void has(std::uint64_t quota, std::size_t used) {
    set_account("bob@birch.example", {.quota_octets = quota});
    if (used == 0) return;
    mailbox::NewMessage message;
    const std::string octets(used, 'x');
    message.blob = wait(write(store, octets)).value();
    message.blob_octets = octets.size();
    message.internal_date = world.clock().now();
    ASSERT_TRUE(wait(store.transact(store::Scope::tenant(birch), [&](store::Transaction& tx) {
      return deliver_in(tx, {birch, bob.id}, message, world.clock().now());
    })));
  }
  static net::ResultTask<> deliver_in(store::Transaction& tx, mailbox::Owner owner,
                                      mailbox::NewMessage message, base::Time now) {
    CO_TRY(const auto delivery,
           co_await mailbox::deliver(tx, owner, std::move(message), {.now = now}));
    EXPECT_TRUE(std::holds_alternative<mailbox::Stored>(delivery));
    co_return base::Result<>();
  }
  std::string rcpt(std::string_view size, std::string_view to = "bob@birch.example") {
    auto talk = peer_talks();
    EXPECT_THAT(talk.ask("MAIL FROM:<carol@modern.example>" + std::string(size)),
                StartsWith("250"));
    return talk.ask("RCPT TO:<" + std::string(to) + ">");
  }
};

TEST_F(MxQuota, Attack14AFullMailboxIsRefusedAtRcpt) {
  has(10'000, 10'000);
  EXPECT_THAT(rcpt(""), StartsWith("452 4.2.2"));
  EXPECT_THAT(rcpt("", "BOB+lists@birch.example"), StartsWith("452 4.2.2"));
  const auto& refused = *events.last("mx.recipient_refused");
  EXPECT_EQ(refused["reason"], "mailbox full");
  EXPECT_EQ(refused["tenant"], "birch.example");
  EXPECT_THAT(rcpt("", "alice@acorn.example"), StartsWith("250")) << "another's has room";
}

// In whole mebibytes: to the octet, a stranger could watch how full a mailbox is.
TEST_F(MxQuota, TheAnnouncedSizeCountsRoughly) {
  constexpr std::uint64_t mib = 1024 * 1024;
  const auto size = [](std::uint64_t octets) { return fmt::format(" SIZE={}", octets); };
  has(10 * mib, 4'000);
  EXPECT_THAT(rcpt(""), StartsWith("250"));
  EXPECT_THAT(rcpt(size(10 * mib - 1)), StartsWith("250"));
  EXPECT_THAT(rcpt(size(10 * mib)), StartsWith("452 4.2.2")) << "in an empty mailbox it would fit";
  EXPECT_THAT(rcpt(size(11 * mib)), StartsWith("552 5.2.3")) << "never";
  has(0, 0);
  EXPECT_THAT(rcpt(size(11 * mib)), StartsWith("250")) << "no limit any more";
}

TEST_F(MxQuota, Attack14WhatDoesNotFitIsRefusedBefore250) {
  has(2'000, 1'000);
  auto talk = peer_talks();
  talk.ask("MAIL FROM:<victim@old.example>");
  EXPECT_THAT(talk.ask("RCPT TO:<bob@birch.example> NOTIFY=SUCCESS"), StartsWith("250"));
  EXPECT_THAT(talk.message("Subject: x\r\n\r\n" + std::string(900, 'x') + "\r\n"),
              StartsWith("452 4.2.2"));
  EXPECT_EQ((*events.last("mx.content_refused"))["reason"], "mailbox full");
  EXPECT_EQ(store.unheld_blob_count(), 0U);
  talk.ask("MAIL FROM:<victim@old.example>");
  talk.ask("RCPT TO:<bob@birch.example>");
  EXPECT_THAT(talk.message("Subject: x\r\n\r\n" + std::string(990, 'x') + "\r\n" +
                           std::string(990, 'y') + "\r\n"),
              StartsWith("552 5.2.3"));
  EXPECT_TRUE(queued(birch).empty()) << "nothing was taken, so nobody is to be told";
  talk.ask("MAIL FROM:<victim@old.example>");
  talk.ask("RCPT TO:<bob@birch.example>");
  EXPECT_THAT(talk.message("Subject: x\r\n\r\nshort\r\n"), StartsWith("250"));
}

// Where one has room the message is taken; the others' failure can be told in no other way.
TEST_F(MxQuota, OneWithRoomIsEnough) {
  has(2'000, 1'900);
  auto talk = peer_talks();
  talk.ask("MAIL FROM:<carol@modern.example>");
  talk.ask("RCPT TO:<bob@birch.example>");
  talk.ask("RCPT TO:<alice@acorn.example>");
  EXPECT_THAT(talk.message(letter), StartsWith("250"));
}

TEST_F(MxTest, ASessionThatBreaksOffLeavesNothing) {
  {
    auto talk = peer_talks();
    talk.ask("MAIL FROM:<carol@modern.example>");
    talk.ask("RCPT TO:<bob@birch.example>");
    EXPECT_THAT(talk.ask("DATA"), StartsWith("354"));
  }
  ASSERT_TRUE(happens("session.ended"));
  EXPECT_TRUE(queued(birch).empty());
  store.sweep();
  EXPECT_EQ(store.blob_count(), 0U);
  EXPECT_EQ(admission.sessions(), 0U);
}

}  // namespace
}  // namespace letterlock::mx
