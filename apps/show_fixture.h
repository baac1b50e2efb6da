// For tests of what readers are shown: mail goes through queue, lists and mailboxes of two tenants,
// and the operation is asked for traces.
#pragma once

#include <boost/json/serialize.hpp>

#include "admin/operation.h"
#include "mda/fixture.h"

namespace letterlock::apps::test {

namespace json = boost::json;
using hop::End;
using hop::Kind;
using testing::HasSubstr;
using testing::Not;
using trace::Link;

class Show : public mda::test::MdaTest {
 protected:
  // ---- mail ----
  custody::Reception submitted(std::vector<std::string> to, hop::Level level) {
    Mail mail;
    mail.to = std::move(to);
    mail.owner = acorn;
    mail.account = alice.id;
    auto reception = reception_of(mail);
    reception.kind = Kind::submission;
    reception.from = {End::Role::client, "alice@acorn.example", "192.0.2.77", "ESMTPSA"};
    reception.protection = protected_by(level);
    return reception;
  }
  custody::Reception from_outside(std::vector<std::string> to, hop::Level level) {
    Mail mail;
    mail.mail_from = "eve@old.example";
    mail.to = std::move(to);
    auto reception = reception_of(mail);
    reception.protection = protected_by(level);
    return reception;
  }
  // Post-quantum and proved: nobody on the way could read it.
  static hop::Protection protected_by(hop::Level level) {
    hop::Protection protection;
    protection.level = level;
    protection.network = hop::Network::public_;
    if (level == hop::Level::clear) return protection;
    protection.tls = {hop::TlsVersion::tls1_3, "TLS_AES_256_GCM_SHA384", "X25519MLKEM768", true,
                      ""};
    if (level >= hop::Level::authenticated) protection.proved_by = hop::Proof::client_certificate;
    return protection;
  }
  // `named`: whom the header names; the others are hidden.
  base::TraceId taken(custody::Reception reception, std::vector<std::string> named = {}) {
    const auto id = reception.trace;
    auto content = content_of("From: a\r\n\r\nThe figures.\r\n");
    if (!named.empty()) content.named = std::move(named);
    const auto outcome = wait(custody.accept(std::move(reception), std::move(content)));
    EXPECT_TRUE(outcome && std::holds_alternative<custody::Accepted>(*outcome));
    settle();
    return id;
  }
  // The message went out, or was fetched, over this.
  void record(const base::TenantId& tenant, const base::TraceId& id, Kind kind, unsigned recipient,
              hop::Level level) {
    hop::Hop hop;
    hop.trace = id;
    hop.kind = kind;
    hop.recipients = {recipient};
    hop.protection = protected_by(level);
    hop.from = {End::Role::node, "dublin-1", "", ""};
    hop.to = {End::Role::mta, "mx.old.example", "203.0.113.9", ""};
    if (kind == Kind::fetch) {
      hop.from = {End::Role::mailbox, "bob@birch.example", "", ""};
      hop.to = {End::Role::client, "bob@birch.example", "203.0.113.9", "POP3"};
    }
    hop.time = hop.finished = world.clock().now();
    ASSERT_TRUE(ask_for<trace::HopRef>(
        tenant, [=](store::Transaction& tx) { return trace::record(tx, tenant, hop); }));
  }
  template <class T>
  static net::ResultTask<> keep_answer_of(net::ResultTask<T> task) {
    CO_TRY(auto value, co_await std::move(task));
    (void)value;
    co_return base::Result<>();
  }
  template <class T>
  bool ask_for(const base::TenantId& tenant, const Question<T>& question) {
    return wait(store.transact(
                    store::Scope::tenant(tenant),
                    [&](store::Transaction& tx) { return keep_answer_of<T>(question(tx)); }))
        .has_value();
  }

  // ---- the operation ----
  directory::Calendar calendar{store, world.clock(), world.timers(), events, {"dublin-1"}};
  base::Result<json::object> asked(json::object arguments) {
    const admin::Ports ports{store,      directory,
                             operations, dispatcher,
                             leases,     schedule,
                             admission,  world.clock(),
                             calendar,   world.random(),
                             events,     "dublin-1",
                             "0",        [this] { return custody::test::all_of({acorn, birch}); },
                             {}};
    const auto* operation = admin::find("trace.show");
    EXPECT_TRUE(admin::check(*operation, arguments));
    return wait(operation->run(ports, admin::Arguments(std::move(arguments))));
  }
  json::object shown(const base::TraceId& id, json::object more = {}) {
    more["id"] = id.text();
    const auto result = asked(std::move(more));
    EXPECT_TRUE(result) << result.error().what;
    return result.value_or(json::object());
  }
  static std::string table_of(const json::object& shown) {
    std::string text(shown.at("table").as_string());
    // As it reads, wherever lines are broken.
    std::string flat;
    for (const char c : text) {
      const char one = c == '\n' ? ' ' : c;
      if (one != ' ' || flat.empty() || flat.back() != ' ') flat.push_back(one);
    }
    return flat;
  }
  static std::string could(const json::object& shown, std::string_view party) {
    for (const auto& one : shown.at("exposure").as_array()) {
      if (one.at("party").as_string() == party) return std::string(one.at("could").as_string());
    }
    return "nothing is said of " + std::string(party);
  }
  static std::vector<std::string> all_could(const json::object& shown) {
    std::vector<std::string> words;
    for (const auto& one : shown.at("exposure").as_array())
      words.emplace_back(one.at("could").as_string());
    return words;
  }
  // Of a message that went on out of this trace: it isn't called safe, at home, or gone.
  static void claims_nothing(const json::object& shown) {
    const auto table = table_of(shown);
    for (const auto* words : {"no content has left", "no content has crossed", "has it any more"})
      EXPECT_THAT(table, Not(HasSubstr(words)));
  }
  Link link_of(const base::TenantId& tenant, const base::TraceId& id) {
    const auto links = trace_of(tenant, id).value().links;
    EXPECT_EQ(links.size(), 1U);
    return links.empty() ? Link() : links.front();
  }

  queue::Schedule schedule;
};

}  // namespace letterlock::apps::test
