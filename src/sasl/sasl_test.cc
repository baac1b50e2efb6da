// Whole exchanges, and what must not succeed.
#include <gtest/gtest.h>

#include "base/digest.h"
#include "sasl/client.h"
#include "sasl/plain.h"
#include "sasl/scram.h"
#include "sasl/server.h"
#include "sasl/testing.h"

namespace letterlock::sasl {
namespace {

using namespace std::string_literals;

const auto binding = base::Bytes(32, '\x5a');

ScramKeys keys_of(std::string_view password) {
  return derive(password, "sixteen octets!!", 10);
}

ServerOptions server_options(Mechanism mechanism, std::optional<base::Bytes> channel = binding) {
  return {.mechanism = mechanism,
          .nonce = "ServerNonce0123456789",
          .channel_binding = std::move(channel)};
}

ClientOptions client_options(Mechanism mechanism) {
  ClientOptions options{.mechanism = mechanism,
                        .user = "bob@birch.example",
                        .password = "tree",
                        .nonce = "ClientNonce"};
  options.rounds_min = 1;
  if (mechanism == Mechanism::scram_sha_256_plus) options.channel_binding = binding;
  return options;
}

// What a caller does: bob's password is "tree", nobody else is known.
Step answer(ServerMechanism& server, Step step) {
  const auto secret = "a secret of sixteen octets"s;
  if (const auto* need = std::get_if<NeedKeys>(&step)) {
    if (need->user == "bob@birch.example") return server.give(keys_of("tree"), Standing::welcome);
    return server.give(fake_keys(secret, need->user, 10), Standing::refused);
  }
  if (const auto* check = std::get_if<NeedCheck>(&step)) {
    const bool right =
        check->user == "bob@birch.example" && password_matches(check->password, keys_of("tree"));
    return server.checked(right ? Standing::welcome : Standing::refused);
  }
  if (std::holds_alternative<NeedTurn>(step)) return server.turn();
  return step;
}

// The exchange to its end; the client's own verdict in `client_ok`.
Step exchange(ServerOptions server_side, ClientOptions client_side, bool initial_response = true,
              bool* client_ok = nullptr) {
  const auto server = make_server(std::move(server_side));
  const auto client = make_client(std::move(client_side));
  const auto first = client->initial().value();
  auto step = initial_response ? server->begin(first) : server->begin(std::nullopt);
  if (!initial_response) step = server->respond(first);
  for (int i = 0; i < 5; ++i) {
    step = answer(*server, std::move(step));
    const auto* challenge = std::get_if<Challenge>(&step);
    if (!challenge) break;
    const auto response = client->respond(challenge->octets);
    if (!response) return Failure{Failure::Reason::malformed, "client: " + response.error().what};
    step = server->respond(*response);
  }
  if (client_ok) *client_ok = client->succeeded().has_value();
  return step;
}

Failure::Reason reason_of(const Step& step) {
  const auto* failure = std::get_if<Failure>(&step);
  EXPECT_NE(failure, nullptr);
  return failure ? failure->reason : Failure::Reason{};
}

TEST(Exchange, EachMechanismSucceeds) {
  for (const auto mechanism :
       {Mechanism::plain, Mechanism::scram_sha_256, Mechanism::scram_sha_256_plus}) {
    for (const bool initial : {true, false}) {
      bool client_ok = false;
      const auto step =
          exchange(server_options(mechanism), client_options(mechanism), initial, &client_ok);
      const auto* success = std::get_if<Success>(&step);
      ASSERT_NE(success, nullptr) << name(mechanism) << initial;
      EXPECT_EQ(success->user, "bob@birch.example");
      EXPECT_EQ(success->channel_bound, mechanism == Mechanism::scram_sha_256_plus);
      EXPECT_EQ(success->password_seen, mechanism == Mechanism::plain);
      EXPECT_TRUE(client_ok);
    }
  }
}

TEST(Exchange, WrongPasswordUnknownUserAndRefusedAreOne) {
  for (const auto mechanism :
       {Mechanism::plain, Mechanism::scram_sha_256, Mechanism::scram_sha_256_plus}) {
    auto wrong = client_options(mechanism);
    wrong.password = "bush";
    EXPECT_EQ(reason_of(exchange(server_options(mechanism), wrong)), Failure::Reason::credentials);
    auto unknown = client_options(mechanism);
    unknown.user = "eve@birch.example";
    EXPECT_EQ(reason_of(exchange(server_options(mechanism), unknown)),
              Failure::Reason::credentials);
  }
}

TEST(Exchange, AuthzidIsTheUserOrEmpty) {
  for (const auto mechanism : {Mechanism::plain, Mechanism::scram_sha_256}) {
    auto same = client_options(mechanism);
    same.authzid = same.user;
    EXPECT_TRUE(std::holds_alternative<Success>(exchange(server_options(mechanism), same)));
    auto other = client_options(mechanism);
    other.authzid = "alice@acorn.example";
    EXPECT_EQ(reason_of(exchange(server_options(mechanism), other)), Failure::Reason::authzid);
  }
}

// A password that came with somebody else's name for whom to act was shown all the same: it is
// looked at before that is refused.
TEST(Exchange, APasswordForAnotherIsCheckedFirst) {
  for (const auto standing : {Standing::welcome, Standing::refused}) {
    const auto server = make_server(server_options(Mechanism::plain));
    const auto step = server->begin("eve@birch.example\0bob@birch.example\0tree"s);
    const auto* check = std::get_if<NeedCheck>(&step);
    ASSERT_NE(check, nullptr);
    EXPECT_EQ(check->user, "bob@birch.example");
    EXPECT_EQ(check->password, "tree");
    EXPECT_EQ(reason_of(server->checked(standing)), Failure::Reason::authzid);
  }
}

ServerOptions external_for(std::optional<std::string> user) {
  auto options = server_options(Mechanism::external);
  options.certificate_user = std::move(user);
  return options;
}

// RFC 4422 appendix A.
TEST(External, TheCertificateSaysWho) {
  for (const bool initial : {true, false}) {
    for (const auto* authzid : {"", "bob@birch.example", "Bob@BIRCH.example"}) {
      auto client = client_options(Mechanism::external);
      client.authzid = authzid;
      const auto server = make_server(external_for("bob@birch.example"));
      auto step = server->begin(initial ? std::optional<base::BytesView>(authzid) : std::nullopt);
      if (!initial) {
        EXPECT_EQ(std::get<Challenge>(step).octets, "");
        step = server->respond(make_client(client)->initial().value());
      }
      EXPECT_EQ(std::get<NeedCertificate>(step).user, "bob@birch.example");
      const auto end = server->checked(Standing::welcome);
      EXPECT_EQ(std::get<Success>(end).user, "bob@birch.example");
      EXPECT_TRUE(std::get<Success>(end).by_certificate);
      EXPECT_FALSE(std::get<Success>(end).channel_bound);
      EXPECT_EQ(reason_of(server->checked(Standing::welcome)), Failure::Reason::malformed);
    }
  }
}

TEST(External, NobodyActsForAnother) {
  using Reason = Failure::Reason;
  const auto begin = [](base::BytesView authzid) {
    return reason_of(make_server(external_for("bob@birch.example"))->begin(authzid));
  };
  EXPECT_EQ(begin("alice@acorn.example"), Reason::authzid);
  EXPECT_EQ(begin("bob@birch.example.evil.example"), Reason::authzid);
  EXPECT_EQ(begin("bob@birch.example\0alice@acorn.example"s), Reason::malformed);
  EXPECT_EQ(begin(std::string(user_octets_max + 1, 'b')), Reason::malformed);
  EXPECT_EQ(begin("\xff\xfe"), Reason::malformed);
  EXPECT_EQ(reason_of(make_server(external_for(std::nullopt))->begin("")), Reason::credentials);
  const auto server = make_server(external_for("bob@birch.example"));
  (void)server->begin("");
  EXPECT_EQ(reason_of(server->checked(Standing::refused)), Reason::credentials);
  EXPECT_EQ(reason_of(make_server(external_for("bob"))->checked(Standing::welcome)),
            Reason::malformed);
}

// RFC 5802 §6.
TEST(ChannelBinding, DowngradeAndMixUpsFail) {
  const auto plus = Mechanism::scram_sha_256_plus;
  const auto plain = Mechanism::scram_sha_256;
  auto saw_no_plus = client_options(plain);
  saw_no_plus.channel_binding = binding;  // "y"
  EXPECT_EQ(reason_of(exchange(server_options(plain), saw_no_plus)),
            Failure::Reason::channel_binding);
  EXPECT_TRUE(
      std::holds_alternative<Success>(exchange(server_options(plain, std::nullopt), saw_no_plus)));

  auto elsewhere = client_options(plus);
  elsewhere.channel_binding = base::Bytes(32, '\x5b');
  EXPECT_EQ(reason_of(exchange(server_options(plus), elsewhere)), Failure::Reason::channel_binding);

  for (const auto* first : {"n,,n=bob,r=abc", "y,,n=bob,r=abc", "p=tls-unique,,n=bob,r=abc",
                            "p=tls-server-end-point,,n=bob,r=abc"}) {
    EXPECT_EQ(reason_of(make_server(server_options(plus))->begin(first)),
              Failure::Reason::channel_binding)
        << first;
  }
  EXPECT_EQ(reason_of(make_server(server_options(plain))->begin("p=tls-exporter,,n=bob,r=abc")),
            Failure::Reason::channel_binding);
  EXPECT_EQ(reason_of(make_server(server_options(plus, std::nullopt))->begin(std::nullopt)),
            Failure::Reason::channel_binding);
}

// The unknown user's salt looks like anybody's and stays the same; no proof under it is taken.
TEST(Attack26, UnknownUserCannotBeToldApart) {
  const auto secret = "a secret of sixteen octets"s;
  const auto fake = fake_keys(secret, "eve", 10);
  EXPECT_EQ(fake, fake_keys(secret, "eve", 10));
  EXPECT_NE(fake.salt, fake_keys(secret, "eva", 10).salt);
  EXPECT_NE(fake.salt, fake_keys("another secret, as long", "eve", 10).salt);
  EXPECT_EQ(fake.salt.size(), keys_of("tree").salt.size());
  EXPECT_FALSE(password_matches("tree", fake));

  // Even with the right keys a refused account fails, and only at the proof.
  const auto server = make_server(server_options(Mechanism::scram_sha_256));
  const auto client = make_client(client_options(Mechanism::scram_sha_256));
  ASSERT_TRUE(std::holds_alternative<NeedKeys>(server->begin(client->initial().value())));
  const auto challenge = server->give(keys_of("tree"), Standing::refused);
  ASSERT_TRUE(std::holds_alternative<Challenge>(challenge));
  const auto step = server->respond(client->respond(std::get<Challenge>(challenge).octets).value());
  ASSERT_TRUE(std::holds_alternative<NeedTurn>(step));
  EXPECT_TRUE(std::get<NeedTurn>(step).fits) << "it was no guess";
  EXPECT_EQ(reason_of(server->turn()), Failure::Reason::credentials);
}

TEST(Machine, OutOfOrderFailsForGood) {
  for (const auto mechanism : {Mechanism::plain, Mechanism::scram_sha_256}) {
    const auto server = make_server(server_options(mechanism));
    EXPECT_EQ(reason_of(server->respond("x")), Failure::Reason::malformed);
    EXPECT_EQ(reason_of(server->checked(Standing::welcome)), Failure::Reason::malformed);
    EXPECT_EQ(reason_of(server->give({}, Standing::welcome)), Failure::Reason::malformed);
    EXPECT_EQ(reason_of(server->turn()), Failure::Reason::malformed);
    EXPECT_EQ(reason_of(server->begin(std::nullopt)), Failure::Reason::malformed);
  }
  // One success, one use.
  const auto server = make_server(server_options(Mechanism::plain));
  EXPECT_TRUE(std::holds_alternative<NeedCheck>(server->begin("\0bob\0tree"s)));
  EXPECT_TRUE(std::holds_alternative<Success>(server->checked(Standing::welcome)));
  EXPECT_EQ(reason_of(server->checked(Standing::welcome)), Failure::Reason::malformed);
}

// Nothing is told of a proof before whoever counts guesses has had a say; and no proof, no guess.
TEST(Machine, AProofIsAGuessAndNothingElseIs) {
  for (const auto mechanism : {Mechanism::scram_sha_256, Mechanism::scram_sha_256_plus}) {
    const auto server = make_server(server_options(mechanism));
    auto wrong = client_options(mechanism);
    wrong.password = "house";
    const auto client = make_client(wrong);
    auto step = answer(*server, server->begin(client->initial().value()));
    ASSERT_TRUE(std::holds_alternative<Challenge>(step));
    step = server->respond(client->respond(std::get<Challenge>(step).octets).value());
    ASSERT_TRUE(std::holds_alternative<NeedTurn>(step));
    EXPECT_FALSE(std::get<NeedTurn>(step).fits);
    EXPECT_EQ(reason_of(server->turn()), Failure::Reason::credentials);
  }
  const auto broken = make_server(server_options(Mechanism::scram_sha_256));
  ASSERT_TRUE(std::holds_alternative<Challenge>(
      answer(*broken, broken->begin("n,,n=bob@birch.example,r=abc"))));
  EXPECT_EQ(reason_of(broken->respond("not the grammar")), Failure::Reason::malformed);
}

TEST(Machine, ReplayedFinalFails) {
  const auto client = make_client(client_options(Mechanism::scram_sha_256));
  const auto first = client->initial().value();
  const auto server = make_server(server_options(Mechanism::scram_sha_256));
  auto step = answer(*server, server->begin(first));
  const auto final = client->respond(std::get<Challenge>(step).octets).value();
  ASSERT_TRUE(std::holds_alternative<NeedTurn>(server->respond(final)));
  ASSERT_TRUE(std::holds_alternative<Challenge>(server->turn()));
  auto options = server_options(Mechanism::scram_sha_256);
  options.nonce = "AnotherNonce";
  const auto later = make_server(options);
  step = answer(*later, later->begin(first));
  EXPECT_EQ(reason_of(later->respond(final)), Failure::Reason::malformed);
}

TEST(Client, RefusesAServerThatDoesNotKnowTheKeys) {
  const auto client = make_client(client_options(Mechanism::scram_sha_256));
  ASSERT_TRUE(client->initial());
  ASSERT_TRUE(client->respond("r=ClientNonceXYZ,s=c2FsdA==,i=10"));
  EXPECT_FALSE(client->succeeded());
  EXPECT_EQ(client->respond("v=" + base::to_base64(std::string(32, 'x'))).error().kind,
            base::ErrorKind::denied);
  EXPECT_FALSE(client->succeeded());
}

TEST(Client, RefusesServersFirstMessages) {
  for (const auto* wrong :
       {"r=ClientNonce,s=c2FsdA==,i=4096", "r=Other,s=c2FsdA==,i=4096",
        "r=ClientNonceX,s=c2FsdA==,i=4095", "r=ClientNonceX,s=c2FsdA==,i=99999999",
        "r=ClientNonceX,s=c2FsdA==,i=99999999999999", "m=x,r=ClientNonceX,s=c2FsdA==,i=4096",
        "r=ClientNonceX,s=!,i=4096", "r=ClientNonceX,s=c2FsdA==", "",
        "r=ClientNonceX,s=c2FsdA==,i=-1"}) {
    auto options = client_options(Mechanism::scram_sha_256);
    options.rounds_min = rounds_min;
    const auto client = make_client(options);
    ASSERT_TRUE(client->initial());
    EXPECT_FALSE(client->respond(wrong)) << wrong;
  }
}

base::ErrorKind kind_of(const auto& result) {
  EXPECT_FALSE(result);
  return result ? base::ErrorKind{} : result.error().kind;
}

// Only a proof is success, and what isn't one says what is to be done: another server, or none.
TEST(Client, SaysWhyItStops) {
  using enum base::ErrorKind;
  for (const auto mechanism : {Mechanism::plain, Mechanism::external}) {
    const auto client = make_client(client_options(mechanism));
    ASSERT_TRUE(client->initial());
    EXPECT_EQ(kind_of(client->respond("")), protocol) << name(mechanism);
    EXPECT_TRUE(client->succeeded()) << name(mechanism);
  }
  auto unbound = client_options(Mechanism::scram_sha_256_plus);
  unbound.channel_binding.reset();
  EXPECT_EQ(kind_of(make_client(unbound)->initial()), protocol);

  const auto client = make_client(client_options(Mechanism::scram_sha_256));
  EXPECT_EQ(kind_of(client->succeeded()), denied);
  EXPECT_EQ(kind_of(client->respond("r=ClientNonceXYZ,s=c2FsdA==,i=10")), protocol) << "too early";
  ASSERT_TRUE(client->initial());
  EXPECT_EQ(kind_of(client->succeeded()), denied);
  ASSERT_TRUE(client->respond("r=ClientNonceXYZ,s=c2FsdA==,i=10"));
  EXPECT_EQ(kind_of(client->succeeded()), denied);
  EXPECT_EQ(kind_of(client->respond("e=other-error")), denied);
  EXPECT_EQ(kind_of(client->succeeded()), denied);
  EXPECT_EQ(kind_of(client->respond("r=ClientNonceXYZ,s=c2FsdA==,i=10")), protocol) << "it is over";

  const auto garbled = make_client(client_options(Mechanism::scram_sha_256));
  ASSERT_TRUE(garbled->initial());
  ASSERT_TRUE(garbled->respond("r=ClientNonceXYZ,s=c2FsdA==,i=10"));
  EXPECT_EQ(kind_of(garbled->respond("v=!")), protocol);
  EXPECT_EQ(kind_of(garbled->succeeded()), denied);
}

TEST(Client, TakesAsManyRoundsAsItsLimitsSay) {
  for (const unsigned rounds : {9U, 10U, 11U}) {
    auto options = client_options(Mechanism::scram_sha_256);
    options.rounds_min = 10;
    const auto client = make_client(options);
    ASSERT_TRUE(client->initial());
    EXPECT_EQ(client->respond("r=ClientNonceX,s=c2FsdA==,i=" + std::to_string(rounds)).has_value(),
              rounds >= 10)
        << rounds;
  }
  const auto client = make_client(client_options(Mechanism::scram_sha_256));
  ASSERT_TRUE(client->initial());
  EXPECT_EQ(kind_of(client->respond("r=ClientNonceX,s=c2FsdA==,i=2000001")),
            base::ErrorKind::protocol);
}

// What isn't the mechanism's grammar is no wrong password: nobody is counted a guess for it.
TEST(Machine, WhatIsNoMessageIsMalformed) {
  for (const auto* message : {"", "bob tree", "bob"}) {
    for (const auto mechanism : {Mechanism::plain, Mechanism::scram_sha_256}) {
      EXPECT_EQ(reason_of(make_server(server_options(mechanism))->begin(message)),
                Failure::Reason::malformed)
          << name(mechanism) << message;
    }
  }
  EXPECT_EQ(reason_of(make_server(server_options(Mechanism::plain))->begin("\0b\xff\0tree"s)),
            Failure::Reason::malformed);
  EXPECT_EQ(
      reason_of(make_server(server_options(Mechanism::scram_sha_256))->begin("n,,n=b\xff,r=x")),
      Failure::Reason::malformed);
}

TEST(Mechanism, Names) {
  const std::pair<std::string_view, Mechanism> registered[] = {
      {"PLAIN", Mechanism::plain},
      {"SCRAM-SHA-256", Mechanism::scram_sha_256},
      {"SCRAM-SHA-256-PLUS", Mechanism::scram_sha_256_plus},
      {"EXTERNAL", Mechanism::external}};
  for (const auto& [text, mechanism] : registered) {
    EXPECT_EQ(name(mechanism), text);
    EXPECT_EQ(mechanism_from(text), mechanism) << text;
  }
  EXPECT_EQ(mechanism_from("scram-sha-256-plus"), Mechanism::scram_sha_256_plus);
  for (const auto* wrong :
       {"", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "NTLM", "SCRAM-SHA-1", "PLAIN "}) {
    EXPECT_FALSE(mechanism_from(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace letterlock::sasl
