#include "dns/unbound.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <optional>
#include <random>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "net/loop.h"
#include "peers/name_server.h"

namespace letterlock::dns {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using base::ErrorKind;
using peers::wire_name;

constexpr unsigned type_a = 1, type_cname = 5, type_ptr = 12, type_mx = 15, type_txt = 16,
                   type_aaaa = 28, type_tlsa = 52;

struct Remember final : base::EventSink {
  void emit(const base::Event& event) override { names.emplace_back(event.name); }
  std::vector<std::string> names;
};

template <class T>
net::Task<> keep(net::ResultTask<T> question, std::optional<base::Result<T>>& answer) {
  answer = co_await std::move(question);
}

class Unbound : public testing::Test {
 protected:
  void start(std::vector<std::string> anchors = {}, std::string zone = "birch.test") {
    UnboundOptions options;
    options.trust_anchor_file = "";
    options.trust_anchors = std::move(anchors);
    options.stubs = {{std::move(zone), responder->endpoint()}};
    options.timeout = 5s;
    start(std::move(options));
  }
  void start(UnboundOptions options) {
    auto created = UnboundResolver::create(std::move(options), clock, events);
    ASSERT_TRUE(created) << created.error().what;
    resolver = std::move(*created);
  }
  bool run(const std::function<bool()>& done) {
    for (int i = 0; i < 20'000 && !done(); ++i) {
      if (loop.poll() == 0) std::this_thread::sleep_for(1ms);
    }
    return done();
  }
  template <class T>
  base::Result<T> ask(net::ResultTask<T> question) {
    std::optional<base::Result<T>> answer;
    loop.spawn(keep(std::move(question), answer));
    EXPECT_TRUE(run([&] { return answer.has_value(); }));
    return answer.value_or(base::fail(ErrorKind::io, "the test gave up"));
  }

  os::SystemClock clock;
  Remember events;
  std::unique_ptr<peers::NameServer> responder = peers::NameServer::start().value();
  net::Loop loop;
  std::unique_ptr<UnboundResolver> resolver;
};

TEST_F(Unbound, AsksAStubServer) {
  responder->record("birch.test", type_mx, "\0\x14"s + wire_name("MX2.birch.test"));
  responder->record("birch.test", type_mx, "\0\x0a"s + wire_name("mx.birch.test"));
  responder->record("mx.birch.test", type_a, "\xc0\0\2\1"s);
  responder->record("mx.birch.test", type_aaaa, "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\1");
  responder->record("alias.birch.test", type_cname, wire_name("mx.birch.test"));
  responder->record("birch.test", type_txt, "\5hello\6 world"s);
  responder->record("_25._tcp.mx.birch.test", type_tlsa, "\3\1\1"s + std::string(32, 'd'));
  responder->record("null.birch.test", type_mx, "\0\0\0"s);
  responder->record("7.ptr.birch.test", type_ptr, wire_name("MX.birch.test"));
  responder->record("8.ptr.birch.test", type_ptr, wire_name("not a host.birch.test"));
  start();

  const auto mx = ask(resolver->mx("Birch.Test."));
  ASSERT_TRUE(mx) << mx.error().what;
  auto hosts = mx->records;
  std::ranges::sort(hosts);
  EXPECT_EQ(hosts, (std::vector<Mx>{{10, "mx.birch.test"}, {20, "mx2.birch.test"}}));
  EXPECT_EQ(mx->security, Security::insecure);
  EXPECT_EQ(mx->time_to_live, 5min);
  const auto addresses = ask(resolver->addresses("alias.birch.test"));
  ASSERT_TRUE(addresses) << addresses.error().what;
  ASSERT_EQ(addresses->records.size(), 2U);
  EXPECT_EQ(addresses->records[0].text(), "2001:db8::1");
  EXPECT_EQ(addresses->records[1].text(), "192.0.2.1");
  EXPECT_EQ(addresses->canonical_name, "mx.birch.test");
  EXPECT_EQ(ask(resolver->txt("birch.test"))->records, std::vector{"hello world"s});
  EXPECT_EQ(ask(resolver->tlsa("_25._tcp.mx.birch.test"))->records,
            (std::vector<TlsaRecord>{{3, 1, 1, std::string(32, 'd')}}));
  EXPECT_EQ(ask(resolver->ptr("7.ptr.birch.test"))->records, std::vector{"mx.birch.test"s});
  EXPECT_EQ(ask(resolver->ptr("8.ptr.birch.test")).error().kind, ErrorKind::invalid);
  EXPECT_EQ(ask(resolver->mx("null.birch.test"))->records, (std::vector<Mx>{{0, ""}}));
  EXPECT_TRUE(ask(resolver->mx("mx.birch.test"))->name_exists);
  EXPECT_FALSE(ask(resolver->mx("nobody.birch.test"))->name_exists);
  EXPECT_EQ(ask(resolver->mx("not a name")).error().kind, ErrorKind::invalid);
}

TEST_F(Unbound, FailuresAreErrors) {
  responder->rcode("broken.birch.test", 2);
  responder->rcode("refused.birch.test", 5);
  responder->silent("silent.birch.test");
  start();
  EXPECT_EQ(ask(resolver->mx("broken.birch.test")).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(ask(resolver->mx("refused.birch.test")).error().kind, ErrorKind::unavailable);
  UnboundOptions options{
      .trust_anchor_file = "", .stubs = {{"birch.test", responder->endpoint()}}, .timeout = 200ms};
  start(options);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(ask(resolver->mx("silent.birch.test")).error().kind, ErrorKind::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
}

// Octets that break their own format, as records and as whole messages.
TEST_F(Unbound, Attack34MalformedAnswersAreErrorsOrPassedOver) {
  responder->record("short.birch.test", type_a, "\xc0\0\2"s);
  responder->record("long.birch.test", type_aaaa, std::string(20, 'x'));
  responder->record("mx.birch.test", type_mx, "\0"s);
  responder->record("pointer.birch.test", type_mx, "\0\1\xc0\xff"s);
  responder->record("loop.birch.test", type_cname, wire_name("loop.birch.test"));
  responder->record("text.birch.test", type_txt,
                    "\xff"
                    "abc"s);
  responder->record("tlsa.birch.test", type_tlsa, "\3"s);
  responder->record("odd.birch.test", type_mx, "\0\1\3a b\5birch\4test\0"s);
  responder->record("odd.birch.test", type_mx, "\0\2"s + wire_name("good.birch.test"));
  responder->record("onlyodd.birch.test", type_mx, "\0\1\3a.b\5birch\4test\0"s);
  responder->message("garbage.birch.test", type_mx, std::string(60, '\xff'));
  responder->message("cut.birch.test", type_mx, "\0\0\x84\0\0\1\0\1\0\0\0\0"s);
  start();
  EXPECT_FALSE(ask(resolver->addresses("short.birch.test")));
  EXPECT_FALSE(ask(resolver->addresses("long.birch.test")));
  for (const auto* name : {"mx", "pointer", "loop", "onlyodd", "garbage", "cut"}) {
    EXPECT_FALSE(ask(resolver->mx(name + ".birch.test"s))) << name;
  }
  EXPECT_FALSE(ask(resolver->txt("text.birch.test")));
  EXPECT_FALSE(ask(resolver->tlsa("tlsa.birch.test")));
  const auto odd = ask(resolver->mx("odd.birch.test"));
  ASSERT_TRUE(odd) << odd.error().what;
  EXPECT_EQ(odd->records, (std::vector<Mx>{{2, "good.birch.test"}}));
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// A zone in which each answer is broken in another way: a sound one with some of its bits turned.
// Nothing crashes, nothing hangs, and the arithmetic stays small.
TEST_F(Unbound, Attack34AZoneOfBrokenAnswers) {
  constexpr int names = 300;
  std::minstd_rand chance(34);
  for (int i = 0; i < names; ++i) {
    const auto name = "n" + std::to_string(i) + ".birch.test";
    const auto owner = wire_name(name);
    std::string octets = "\0\0\x84\0\0\1\0\2\0\0\0\0"s + owner + "\0\x0f\0\1"s;
    for (int record = 0; record < 2; ++record) {
      const auto rdata = "\0\5"s + wire_name("mx." + name);
      octets += "\xc0\x0c\0\x0f\0\1\0\0\0\x3c"s +
                peers::wire_number(static_cast<unsigned>(rdata.size())) + rdata;
    }
    for (auto turned = 1 + chance() % 4; turned > 0; --turned) {
      auto& octet = octets[2 + chance() % (octets.size() - 2)];
      octet = static_cast<char>(octet ^ (1 << chance() % 8));
    }
    responder->message(name, type_mx, octets);
  }
  responder->record("good.birch.test", type_txt, "\2ok"s);
  UnboundOptions options{
      .trust_anchor_file = "", .stubs = {{"birch.test", responder->endpoint()}}, .timeout = 3s};
  start(options);
  const auto before = cpu_seconds();
  std::vector<std::optional<base::Result<Answer<Mx>>>> answers(names);
  for (std::size_t i = 0; i < answers.size(); ++i)
    loop.spawn(keep(resolver->mx("n" + std::to_string(i) + ".birch.test"), answers[i]));
  EXPECT_TRUE(run([&] {
    return std::ranges::all_of(answers, [](const auto& answer) { return answer.has_value(); });
  }));
  EXPECT_LT(cpu_seconds() - before, 5);
  for (const auto& answer : answers) {
    if (!answer || !*answer) continue;
    for (const auto& mx : (*answer)->records) EXPECT_LE(mx.host.size(), 253U);
  }
  EXPECT_EQ(ask(resolver->txt("good.birch.test"))->records, std::vector{"ok"s});
}

// A zone that sends the resolver on to hundreds of name servers which aren't there (NXNS), and
// round in a chain of names: questions and arithmetic stay bounded, and the answer is an error.
TEST_F(Unbound, Attack34AZoneThatSendsOn) {
  std::string octets =
      "\0\0\x80\0\0\1\0\0\0\x50\0\0"s + wire_name("x.deep.birch.test") + "\0\x0f\0\1"s;
  for (int i = 0; i < 80; ++i) {
    const auto rdata = wire_name("ns" + std::to_string(i) + ".nowhere.birch.test");
    octets += wire_name("deep.birch.test") + "\0\2\0\1\0\0\0\x3c"s +
              peers::wire_number(static_cast<unsigned>(rdata.size())) + rdata;
  }
  responder->message("x.deep.birch.test", type_mx, octets);
  for (int i = 0; i < 200; ++i) {
    responder->record("c" + std::to_string(i) + ".birch.test", type_cname,
                      wire_name("c" + std::to_string(i + 1) + ".birch.test"));
  }
  start();
  const auto before = cpu_seconds();
  EXPECT_FALSE(ask(resolver->mx("x.deep.birch.test")));
  EXPECT_LT(responder->questions(), 400);
  const auto chained = ask(resolver->mx("c0.birch.test"));
  EXPECT_TRUE(!chained || chained->records.empty());
  EXPECT_LT(responder->questions(), 800);
  EXPECT_LT(cpu_seconds() - before, 5);
}

TEST_F(Unbound, QuestionsUnderWayAreBoundedAndCanBeCancelled) {
  responder->silent("silent.birch.test");
  responder->record("quick.birch.test", type_txt, "\2ok"s);
  start({.trust_anchor_file = "",
         .stubs = {{"birch.test", responder->endpoint()}},
         .timeout = 10s,
         .questions_max = 1});
  std::optional<base::Result<Answer<Mx>>> first;
  const auto running = loop.spawn(keep(resolver->mx("silent.birch.test"), first));
  EXPECT_TRUE(run([&] { return responder->questions() > 0; }));
  EXPECT_EQ(ask(resolver->txt("quick.birch.test")).error().what,
            "too many names are being looked up at once");
  running->cancel();
  EXPECT_TRUE(run([&] { return first.has_value(); }));
  EXPECT_EQ(first->error().kind, ErrorKind::cancelled);
}

TEST_F(Unbound, MayEndWhileTasksWait) {
  responder->silent("silent.birch.test");
  start();
  std::optional<base::Result<Answer<Mx>>> lost;
  {
    net::Loop short_lived;
    short_lived.spawn(keep(resolver->mx("silent.birch.test"), lost));
    short_lived.poll();
  }
  resolver.reset();
  EXPECT_FALSE(lost.has_value());
}

TEST_F(Unbound, ManyAskAtOnce) {
  for (int i = 0; i < 200; ++i)
    responder->record("n" + std::to_string(i) + ".birch.test", type_txt, "\2ok"s);
  start();
  std::vector<std::optional<base::Result<Answer<std::string>>>> answers(200);
  for (std::size_t i = 0; i < answers.size(); ++i)
    loop.spawn(keep(resolver->txt("n" + std::to_string(i) + ".birch.test"), answers[i]));
  EXPECT_TRUE(run([&] {
    return std::ranges::all_of(answers, [](const auto& answer) { return answer.has_value(); });
  }));
  for (const auto& answer : answers) EXPECT_EQ(answer->value().records, std::vector{"ok"s});
}

TEST_F(Unbound, RefusesWhatItCannotUse) {
  const auto error = [&](UnboundOptions options) {
    return UnboundResolver::create(std::move(options), clock, events).error();
  };
  EXPECT_EQ(error({.trust_anchor_file = "/nowhere/root.key"}).kind, ErrorKind::not_found);
  EXPECT_EQ(error({.trust_anchor_file = "", .trust_anchors = {"no record at all"}}).kind,
            ErrorKind::invalid);
  EXPECT_EQ(error({.trust_anchor_file = "", .stubs = {{"not a zone", responder->endpoint()}}}).kind,
            ErrorKind::invalid);
  EXPECT_EQ(error({.trust_anchor_file = "", .ipv4 = false, .ipv6 = false}).kind,
            ErrorKind::invalid);
}

// A zone signed by ldns and served by NSD (testdata/birch.example.zone), as messages.
constexpr const char* anchor =
    "birch.example. IN DS 59162 13 2 "
    "50804468464c5a57f792a7cca45348fc21c369b5a57f359f936075b3933b67f8";

class Signed : public Unbound {
 protected:
  Signed() {
    std::ifstream in(std::string(LETTERLOCK_SOURCE_DIR) +
                     "/src/dns/testdata/birch.example.answers");
    std::string name, hex;
    for (unsigned type = 0; in >> name >> type >> hex;) {
      messages[{name, type}] = base::from_hex(hex).value();
      responder->message(name, type, messages[{name, type}]);
    }
  }
  std::map<std::pair<std::string, unsigned>, std::string> messages;
};

TEST_F(Signed, ProvesWhatIsSigned) {
  start({anchor}, "birch.example");
  const auto mx = ask(resolver->mx("birch.example"));
  ASSERT_TRUE(mx) << mx.error().what;
  EXPECT_EQ(mx->security, Security::secure);
  EXPECT_EQ(mx->records.size(), 2U);
  const auto addresses = ask(resolver->addresses("alias.birch.example"));
  ASSERT_TRUE(addresses) << addresses.error().what;
  EXPECT_EQ(addresses->security, Security::secure);
  EXPECT_EQ(addresses->canonical_name, "mx.birch.example");
  EXPECT_EQ(addresses->records.size(), 2U);
  const auto tlsa = ask(resolver->tlsa("_25._tcp.mx.birch.example"));
  ASSERT_TRUE(tlsa) << tlsa.error().what;
  EXPECT_EQ(tlsa->security, Security::secure);
  EXPECT_EQ(tlsa->records.at(0).data.size(), 32U);
  const auto none = ask(resolver->tlsa("_25._tcp.nobody.birch.example"));
  ASSERT_TRUE(none) << none.error().what;
  EXPECT_FALSE(none->name_exists);
  EXPECT_EQ(none->security, Security::secure);
  EXPECT_EQ(ask(resolver->mx("nullmx.birch.example"))->records, (std::vector<Mx>{{0, ""}}));
  EXPECT_EQ(ask(resolver->check_validation())->state, Validation::State::validates);
  EXPECT_EQ(events.names, std::vector{"dns.validates"s});
}

TEST_F(Signed, WhatIsForgedIsDenied) {
  auto forged = messages.at({"birch.example", type_mx});
  const auto place = forged.find("\0\x0a\2mx"s);
  ASSERT_NE(place, std::string::npos);
  forged[place + 1] = '\1';
  responder->message("birch.example", type_mx, forged);
  start({anchor}, "birch.example");
  const auto mx = ask(resolver->mx("birch.example"));
  ASSERT_FALSE(mx);
  EXPECT_EQ(mx.error().kind, ErrorKind::denied);
  EXPECT_NE(mx.error().what.find("the answer about MX of birch.example is bogus: "),
            std::string::npos)
      << mx.error().what;
}

// Somebody answers without signatures where signatures must be.
TEST_F(Signed, StrippedSignaturesAreFoundAtStart) {
  for (const auto type : {6U, 43U, 48U})
    responder->message(
        "birch.example", type,
        "\0\0\x84\0\0\1\0\0\0\0\0\0\5birch\7example\0\0"s + static_cast<char>(type) + "\0\1"s);
  start({anchor}, "birch.example");
  const auto validation = ask(resolver->check_validation());
  ASSERT_TRUE(validation);
  EXPECT_EQ(validation->state, Validation::State::does_not) << validation->sentence;
  EXPECT_EQ(events.names, std::vector{"dns.no_validation"s});
}

TEST_F(Signed, WithoutAnAnchorNothingIsProved) {
  start({}, "birch.example");
  const auto mx = ask(resolver->mx("birch.example"));
  ASSERT_TRUE(mx) << mx.error().what;
  EXPECT_EQ(mx->security, Security::insecure);
}

TEST_F(Unbound, AForwarderIsAskedAndWithoutAnchorNoValidationIsSaid) {
  responder->message("", 6,
                     "\0\0\x84\0\0\1\0\1\0\0\0\0\0\0\6\0\1\0\0\6\0\1\0\0\0\x3c\0\x16\0\0"s +
                         std::string(20, '\1'));
  start({.trust_anchor_file = "", .forwarders = {responder->endpoint()}, .timeout = 5s});
  const auto validation = ask(resolver->check_validation());
  ASSERT_TRUE(validation);
  EXPECT_EQ(validation->state, Validation::State::does_not) << validation->sentence;
  EXPECT_EQ(events.names, std::vector{"dns.no_validation"s});
}

}  // namespace
}  // namespace letterlock::dns
