// For the tests of exposures and verdicts: the hops of one message, by name.
#pragma once

#include <gtest/gtest.h>

#include "protection/exposure.h"
#include "protection/hop_words.h"

namespace letterlock::protection::test {

using hop::End;
using hop::Given;
using hop::Hop;
using hop::Kind;
using hop::Level;
using hop::Network;
using hop::Outcome;
using hop::Proof;

inline const End alice{End::Role::client, "alice@acorn.example", "", "ESMTPSA"};
inline const End dublin{End::Role::node, "dublin-1", "", ""};
inline const End amsterdam{End::Role::node, "amsterdam-2", "", ""};
inline const End mailbox{End::Role::mailbox, "bob@birch.example", "", ""};
inline const End bob{End::Role::client, "bob@birch.example", "", "POP3"};
inline const End old_mx{End::Role::mta, "mx.old.example", "", "ESMTP"};

inline Hop hop_of(unsigned number, Kind kind, const End& from, const End& to, Level level,
                  Proof proof = Proof::none, Network network = Network::public_) {
  Hop hop;
  hop.number = number;
  hop.kind = kind;
  hop.from = from;
  hop.to = to;
  hop.protection.level = level;
  hop.protection.proved_by = proof;
  hop.protection.network = network;
  if (level != Level::clear && level != Level::local) {
    hop.protection.tls = {.version = hop::TlsVersion::tls1_3,
                          .cipher = "TLS_AES_256_GCM_SHA384",
                          .group = "X25519",
                          .post_quantum = false,
                          .exporter_digest = ""};
  }
  return hop;
}

inline Hop submission(Level level = Level::authenticated) {
  return hop_of(1, Kind::submission, alice, dublin, level,
                level == Level::authenticated ? Proof::scram_plus
                : level == Level::mutual      ? Proof::client_certificate
                                              : Proof::none);
}
inline Hop reception(Level level = Level::encrypted) {
  return hop_of(1, Kind::relay, {End::Role::mta, "mail.outside.example", "", ""}, dublin, level);
}
inline Hop expansion(unsigned number, End::Role role, const std::string& address) {
  return hop_of(number, Kind::expansion, dublin, {role, address, "", ""}, Level::local, Proof::none,
                Network::local);
}
inline Hop delivery(unsigned number) {
  return hop_of(number, Kind::delivery, dublin, mailbox, Level::local, Proof::none, Network::local);
}
inline Hop fetch(unsigned number, Level level) {
  return hop_of(number, Kind::fetch, mailbox, bob, level);
}
inline Hop relay(unsigned number, Level level, Proof proof = Proof::none) {
  return hop_of(number, Kind::relay, dublin, old_mx, level, proof);
}
inline Hop failed(Hop hop, Given given, hop::Answer answer = hop::Answer::take) {
  hop.outcome = Outcome::failed;
  hop.given = given;
  hop.answer = answer;
  if (answer != hop::Answer::take) hop.required = {{"level >= encrypted", "acorn.example", ""}};
  return hop;
}

// Bob's mailbox is seen, and nothing happened in it.
inline Mailbox bobs(bool holds = true) {
  return {.account = "bob@birch.example", .holds = holds};
}
inline AtRest in_mailbox(bool holds = true) {
  return {.in_queue = AtRest::InQueue::no, .mailboxes = {bobs(holds)}, .backups = {}};
}
inline Exposure exposure_of(std::vector<Hop> hops, AtRest at_rest = in_mailbox(),
                            std::vector<Child> children = {}) {
  return exposure({std::move(hops), std::move(children), true, std::move(at_rest)});
}
inline std::string verdict_of(std::vector<Hop> hops, Fate fate = Fate::going_on,
                              AtRest at_rest = in_mailbox(), std::vector<Child> children = {}) {
  return verdict({std::move(hops), std::move(children), true, std::move(at_rest)}, fate);
}
inline base::Time at(const char* text) {
  return base::from_rfc3339(text).value();
}

inline const PartyExposure& of(const Exposure& exposure, Party party) {
  return exposure.parties.at(static_cast<std::size_t>(party));
}

}  // namespace letterlock::protection::test
