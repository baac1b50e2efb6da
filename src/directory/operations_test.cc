#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "directory/asking.h"
#include "directory/entries.h"
#include "directory/fixture.h"

namespace letterlock::directory {
namespace {

using base::ErrorKind;
using test::at;
using test::domain;
using testing::ElementsAre;
using testing::HasSubstr;

struct OperationsTest : testing::Test, test::Fixture {
  OperationsTest() { settle(); }
  base::Result<Account> add_with(std::string_view address, std::string password) {
    return wait(operations.add_account(
        {.address = at(address), .display_name = "", .password = std::move(password)}, by));
  }
  base::Result<Tenant> set_tenant(TenantChange change) {
    return wait(operations.set_tenant("birch.example", std::move(change), "admin@birch.example"));
  }
};

net::ResultTask<std::string> answer_later(std::string text) {
  co_return text;
}
net::ResultTask<> put_many(store::Transaction& tx, base::TenantId tenant) {
  for (int i = 0; i < 2500; ++i)
    tx.put(store::tenant_prefix(tenant) + "x/e/" + std::to_string(i), "");
  co_return base::Result<>();
}

TEST_F(OperationsTest, TenantsAreNamedOnce) {
  EXPECT_EQ(wait(operations.add_tenant("ACORN.example", by)).error().kind, ErrorKind::exists);
  EXPECT_EQ(wait(operations.add_tenant("a b", by)).error().kind, ErrorKind::invalid);
  EXPECT_EQ(wait(operations.add_tenant("[192.0.2.1]", by)).error().kind, ErrorKind::invalid);
  EXPECT_EQ(wait(operations.add_tenant("elm.example", "")).error().kind, ErrorKind::denied);
  EXPECT_EQ(wait(operations.show_tenant("elm.example")).error().kind, ErrorKind::not_found);
  EXPECT_EQ(wait(operations.show_tenant("Birch.Example"))->id, bob.tenant);
}

TEST_F(OperationsTest, ClearFetchSaysWhoAndWhen) {
  auto tenant = wait(operations.show_tenant("birch.example")).value();
  EXPECT_EQ(fetch_requirement(tenant).value, hop::Fetch::protected_);
  EXPECT_EQ(describe_clear_fetch(tenant), "birch.example allows no clear fetch");
  tenant = set_tenant({.clear_fetch = ClearFetch::allowed}).value();
  EXPECT_EQ(describe_clear_fetch(tenant),
            "birch.example allows clear fetch (set 2026-11-02 by admin@birch.example)");
  EXPECT_EQ(fetch_requirement(tenant).value, hop::Fetch::any);
  EXPECT_EQ(wait(directory.tenant(tenant.id)).value(), tenant);
}

TEST_F(OperationsTest, RequirementsKeepTheirSource) {
  auto tenant = set_tenant({.requirement = "level=authenticated tls=1.3",
                            .requirement_reason = "by contract"})
                    .value();
  EXPECT_EQ(tenant.requirement.level.value, hop::Level::authenticated);
  EXPECT_EQ(tenant.requirement.level.source.name, "birch.example");
  EXPECT_EQ(tenant.requirement.level.source.reason, "by contract");
  EXPECT_EQ(wait(operations.show_tenant("birch.example")).value(), tenant);
  EXPECT_EQ(set_tenant({.requirement = "level=perfect"}).error().kind, ErrorKind::invalid);
  tenant = set_tenant({.requirement = "level=mutual tls=any"}).value();
  EXPECT_EQ(wait(operations.show_tenant("birch.example")).value(), tenant);
  tenant = set_tenant({.requirement = ""}).value();
  EXPECT_EQ(tenant.requirement, hop::Requirement());
}

TEST_F(OperationsTest, TenantSettingsAreChecked) {
  EXPECT_EQ(set_tenant({.requirement_reason = "a\nb"}).error().kind, ErrorKind::invalid);
  EXPECT_EQ(set_tenant({.limits = SendingLimits{.per_hour = ~0ULL}}).error().kind,
            ErrorKind::invalid);
  EXPECT_EQ(set_tenant({.postmaster = at("nobody@birch.example")}).error().kind,
            ErrorKind::not_found);
  EXPECT_EQ(set_tenant({.postmaster = at("alice@acorn.example")}).error().kind,
            ErrorKind::not_found);
  EXPECT_EQ(set_tenant({.limits = SendingLimits{1, 2, 3}})->limits.per_day, 2U);
}

TEST_F(OperationsTest, ATenantGoesWhenItHasNothing) {
  std::string left = "mail in its queue";
  const auto remove_tenant = [&] {
    return wait(operations.remove_tenant(
        "birch.example",
        [&left](store::Transaction&, base::TenantId) { return answer_later(left); }, by));
  };
  const auto refused = remove_tenant();
  EXPECT_EQ(refused.error().kind, ErrorKind::denied);
  EXPECT_THAT(refused.error().what, HasSubstr("still has domains"));
  EXPECT_EQ(wait(operations.remove_domain(domain("birch.example"), by)).error().kind,
            ErrorKind::denied);
  ASSERT_TRUE(wait(operations.remove_account(at("bob@birch.example"), by)));
  ASSERT_TRUE(wait(operations.remove_domain(domain("birch.example"), by)));
  EXPECT_EQ(wait(operations.remove_domain(domain("birch.example"), by)).error().kind,
            ErrorKind::not_found);
  const auto birch = wait(operations.show_tenant("birch.example")).value();
  EXPECT_EQ(birch.state, Tenant::State::active);
  EXPECT_THAT(remove_tenant().error().what, HasSubstr("still has mail in its queue"));
  EXPECT_EQ(wait(operations.show_tenant("birch.example"))->state, Tenant::State::closing);
  // A domain makes it active again.
  ASSERT_TRUE(wait(operations.add_domain("birch.example", domain("birch.example"), by)));
  EXPECT_EQ(wait(operations.show_tenant("birch.example")).value(), birch);
  ASSERT_TRUE(wait(operations.remove_domain(domain("birch.example"), by)));
  left.clear();
  // What it has beside goes with it.
  wait(store.transact(store::Scope::tenant(birch.id), [&](auto& tx) {
    return put_many(tx, birch.id);
  })).value();
  ASSERT_TRUE(remove_tenant());
  EXPECT_EQ(remove_tenant().error().kind, ErrorKind::not_found);
  for (const auto& [key, value] : store.contents())
    EXPECT_FALSE(key.starts_with(store::tenant_prefix(birch.id))) << key;
  for (const auto& [key, value] : store.contents())
    EXPECT_THAT(key, Not(HasSubstr("birch"))) << key;
}

TEST_F(OperationsTest, ADomainBelongsToOneTenant) {
  const auto twice = wait(operations.add_domain("acorn.example", domain("birch.example"), by));
  EXPECT_EQ(twice.error().kind, ErrorKind::exists);
  EXPECT_THAT(twice.error().what, HasSubstr("tenant birch.example"));
  EXPECT_EQ(wait(operations.add_domain("acorn.example", domain("[192.0.2.1]"), by)).error().kind,
            ErrorKind::invalid);
  EXPECT_EQ(wait(operations.add_domain("elm.example", domain("elm.example"), by)).error().kind,
            ErrorKind::not_found);
  EXPECT_EQ(add_with("x@elm.example", "correct horse").error().kind, ErrorKind::not_found);
}

// A refused removal leaves the domain as it was; a removal that was cut off leaves it closed.
TEST_F(OperationsTest, AClosingDomainTakesNoAddress) {
  EXPECT_FALSE(wait(operations.remove_domain(domain("acorn.example"), by)));
  EXPECT_EQ(wait(operations.show_domain(domain("acorn.example")))->state,
            DomainRecord::State::active);
  store.fail_next_commit(ErrorKind::io);
  EXPECT_FALSE(wait(operations.remove_domain(domain("acorn.example"), by)));
  EXPECT_TRUE(add_with("new@acorn.example", "correct horse"));

  ASSERT_TRUE(wait(operations.add_domain("acorn.example", domain("oak.example"), by)));
  int commits = 0;
  store.on_commit([&](store::CommitStage stage) {
    if (stage == store::CommitStage::before && ++commits == 2)
      store.fail_next_commit(ErrorKind::io);
  });
  EXPECT_EQ(wait(operations.remove_domain(domain("oak.example"), by)).error().kind, ErrorKind::io);
  store.on_commit({});
  EXPECT_EQ(wait(operations.show_domain(domain("oak.example")))->state,
            DomainRecord::State::closing);
  EXPECT_EQ(add_with("x@oak.example", "correct horse").error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(wait(operations.remove_domain(domain("oak.example"), by)));
}

// Of an account and a removal at the same time one wins, and no address is left without a domain:
// whichever begins, and after each step of it.
TEST_F(OperationsTest, RemovingADomainAndAddingToItDontBothWork) {
  std::set<std::pair<bool, bool>> seen;  // which began, and which won
  for (const bool adding_begins : {true, false}) {
    int steps = 0;
    for (bool ended = false; !ended; ++steps) {
      ASSERT_LT(steps, 1000);
      const auto name =
          fmt::format("oak{}{}.example", adding_begins ? "a" : "r", std::to_string(steps));
      ASSERT_TRUE(wait(operations.add_domain("acorn.example", domain(name), by)));
      std::optional<base::Result<Account>> added;
      std::optional<base::Result<void>> removed;
      const NewAccount account{
          .address = at("x@" + name), .display_name = "", .password = "correct horse"};
      const auto begin = [&](bool adding) {
        if (adding)
          loop.spawn(test::keep(operations.add_account(account, by), added));
        else
          loop.spawn(test::keep(operations.remove_domain(domain(name), by), removed));
      };
      begin(adding_begins);
      loop.poll(static_cast<std::size_t>(steps));
      ended = adding_begins ? added.has_value() : removed.has_value();
      begin(!adding_begins);
      while (!added || !removed) ASSERT_GT(loop.poll(), 0U) << "neither goes on";
      EXPECT_NE(added->has_value(), removed->has_value()) << name;
      EXPECT_EQ(wait(operations.show_account(at("x@" + name))).has_value(), added->has_value());
      EXPECT_EQ(wait(operations.show_domain(domain(name))).has_value(), added->has_value());
      seen.emplace(adding_begins, added->has_value());
    }
    // Between the first step and the last there were some to stop at.
    EXPECT_GT(steps, 5) << adding_begins;
  }
  // A removal closes the domain with its first step, so whoever begins behind that loses.
  EXPECT_EQ(seen, (std::set<std::pair<bool, bool>>{{true, true}, {true, false}, {false, false}}));
}

TEST_F(OperationsTest, AccountsAreChecked) {
  EXPECT_EQ(add_with("ALICE@acorn.example", "correct horse").error().kind, ErrorKind::exists);
  EXPECT_EQ(add_with("new@acorn.example", "short").error().kind, ErrorKind::invalid);
  EXPECT_EQ(add_with("new@acorn.example", "correct\nhorse").error().kind, ErrorKind::invalid);
  EXPECT_EQ(add_with("new@acorn.example", std::string(2000, 'x')).error().kind, ErrorKind::invalid);
  const NewAccount odd{
      .address = at("new@acorn.example"), .display_name = "a\rb", .password = "correct horse"};
  EXPECT_EQ(wait(operations.add_account(odd, by)).error().kind, ErrorKind::invalid);
  EXPECT_EQ(alice.keys.salt.size(), 16U);
  EXPECT_NE(alice.keys.salt, carol.keys.salt);
  // The password itself is nowhere.
  for (const auto& [key, value] : store.contents())
    EXPECT_THAT(value, Not(HasSubstr("correct horse")));
}

TEST_F(OperationsTest, AnAddressIsOfOneThingOnly) {
  ASSERT_TRUE(set("alice@acorn.example", {.add_addresses = {at("al@acorn.example")}}));
  const auto alias = [&](std::string_view address) {
    return wait(operations.add_alias({at(address), {}, {at("bob@birch.example")}, {}}, by));
  };
  EXPECT_EQ(alias("alice@acorn.example").error().kind, ErrorKind::exists);
  EXPECT_THAT(alias("AL@acorn.example").error().what, HasSubstr("one more address"));
  ASSERT_TRUE(alias("info@acorn.example"));
  EXPECT_EQ(add_with("Info@acorn.example", "correct horse").error().kind, ErrorKind::exists);
  EXPECT_EQ(set("carol@acorn.example", {.add_addresses = {at("info@acorn.example")}}).error().kind,
            ErrorKind::exists);
  EXPECT_EQ(set("carol@acorn.example", {.add_addresses = {at("c@birch.example")}}).error().kind,
            ErrorKind::not_found);
  EXPECT_EQ(wait(operations.add_group({at("info@acorn.example"), {}, "", {}}, by)).error().kind,
            ErrorKind::exists);
}

TEST_F(OperationsTest, FurtherAddressesComeAndGo) {
  ASSERT_TRUE(set("alice@acorn.example",
                  {.add_addresses = {at("al@acorn.example"), at("a@acorn.example")}}));
  EXPECT_EQ(mailbox("AL@acorn.example"), "alice@acorn.example");
  ASSERT_TRUE(set("alice@acorn.example", {.remove_addresses = {at("al@acorn.example")}}));
  EXPECT_EQ(mailbox("al@acorn.example"), "");
  EXPECT_EQ(
      set("alice@acorn.example", {.remove_addresses = {at("carol@acorn.example")}}).error().kind,
      ErrorKind::not_found);
  EXPECT_EQ(mailbox("carol@acorn.example"), "carol@acorn.example");
  std::vector<Address> many;
  for (std::size_t i = 0; i < more_addresses_max; ++i)
    many.push_back(at("n" + std::to_string(i) + "@acorn.example"));
  EXPECT_EQ(set("alice@acorn.example", {.add_addresses = many}).error().kind, ErrorKind::full);
  EXPECT_EQ(mailbox("n0@acorn.example"), "");
}

// A password that was good for PLAIN may be anybody's by now: only one that was set since nothing
// weaker is accepted proves anything.
TEST_F(OperationsTest, PlusOnlyNeedsANewPassword) {
  EXPECT_EQ(set("alice@acorn.example", {.accepts = Accepts::plus_only}).error().kind,
            ErrorKind::invalid);
  const auto the_same =
      set("alice@acorn.example", {.password = "correct horse", .accepts = Accepts::plus_only});
  EXPECT_EQ(the_same.error().kind, ErrorKind::invalid);
  const auto is_bound = [&](const Account& account) {
    return wait(directory.password_is_bound(account)).value();
  };
  EXPECT_FALSE(is_bound(account("alice@acorn.example")));
  const auto bound =
      set("alice@acorn.example", {.password = "another horse", .accepts = Accepts::plus_only});
  ASSERT_TRUE(bound) << bound.error().what;
  EXPECT_TRUE(is_bound(*bound));
  // Said again it changes nothing; a password of its own keeps it.
  EXPECT_TRUE(is_bound(set("alice@acorn.example", {.accepts = Accepts::plus_only}).value()));
  EXPECT_TRUE(is_bound(set("alice@acorn.example", {.password = "third horse"}).value()));
  EXPECT_FALSE(is_bound(set("alice@acorn.example", {.accepts = Accepts::any}).value()));
  EXPECT_EQ(set("alice@acorn.example", {.accepts = Accepts::plus_only}).error().kind,
            ErrorKind::invalid);
}

TEST(Bound, OnlyWhereThePasswordIsYounger) {
  Account account;
  account.accepts = Accepts::plus_only;
  account.accepts_since = account.password_changed = base::from_milliseconds(5);
  EXPECT_TRUE(accepts_only_bound(account)) << "made so";
  account.accepts_since = base::from_milliseconds(6);
  EXPECT_FALSE(accepts_only_bound(account));
  account.password_changed = base::from_milliseconds(7);
  EXPECT_TRUE(accepts_only_bound(account));
  account.accepts = Accepts::any;
  EXPECT_FALSE(accepts_only_bound(account));
}

TEST_F(OperationsTest, CertificatesComeAndGo) {
  const std::string key(64, 'a');
  std::string with_colons;
  for (int i = 0; i < 32; ++i) with_colons += i == 0 ? "AA" : ":AA";
  EXPECT_EQ(set("alice@acorn.example", {.add_certificates = {with_colons}}).value().certificates,
            std::vector{key});
  EXPECT_EQ(set("alice@acorn.example", {.add_certificates = {key}}).value().certificates,
            std::vector{key});
  for (const auto* bad : {"", "aa", "a certificate", "-----BEGIN CERTIFICATE-----"})
    EXPECT_EQ(set("alice@acorn.example", {.add_certificates = {bad}}).error().kind,
              ErrorKind::invalid)
        << bad;
  EXPECT_EQ(
      set("alice@acorn.example", {.remove_certificates = {std::string(64, 'b')}}).error().kind,
      ErrorKind::not_found);
  std::vector<std::string> many;
  for (std::size_t i = 1; i < certificates_max; ++i)
    many.push_back(std::string(63, '0') + static_cast<char>('0' + i));
  EXPECT_EQ(set("alice@acorn.example", {.add_certificates = many}).value().certificates.size(),
            certificates_max);
  EXPECT_EQ(set("alice@acorn.example", {.add_certificates = {std::string(64, 'c')}}).error().kind,
            ErrorKind::full);
  EXPECT_EQ(set("alice@acorn.example", {.remove_certificates = {key}}).value().certificates, many);
}

TEST_F(OperationsTest, ARemovedAccountLeavesNothingHere) {
  ASSERT_TRUE(set("alice@acorn.example", {.add_addresses = {at("al@acorn.example")}}));
  add_alias("info@acorn.example", {at("alice@acorn.example")});
  const auto gone = wait(operations.remove_account(at("Alice@acorn.example"), by)).value();
  EXPECT_EQ(gone.id, alice.id);
  EXPECT_EQ(mailbox("al@acorn.example"), "");
  EXPECT_EQ(wait(directory.account(alice.tenant, alice.id)).value(), std::nullopt);
  EXPECT_EQ(wait(operations.remove_account(at("alice@acorn.example"), by)).error().kind,
            ErrorKind::not_found);
  const auto expansion = wait(directory.expand(at("info@acorn.example"))).value();
  EXPECT_TRUE(expansion.leaves.empty());
  EXPECT_NE(add("alice@acorn.example").id,
            alice.id);  // the name may come back, the account doesn't
}

std::string chained(int i) {
  return "c" + std::to_string(i) + "@acorn.example";
}

TEST_F(OperationsTest, AListThatWouldLeadBackToItselfIsRefused) {
  const auto add = [&](std::string_view address, std::vector<Address> targets) {
    return wait(operations.add_alias({at(address), {}, std::move(targets), {}}, by));
  };
  ASSERT_TRUE(add("a@acorn.example", {at("b@birch.example")})) << "nobody is there yet";
  const auto refused = add("b@birch.example", {at("bob@birch.example"), at("A+x@acorn.example")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid);
  EXPECT_EQ(refused.error().what, "b@birch.example would lead back to itself by A+x@acorn.example");
  EXPECT_EQ(mailbox("b@birch.example"), "") << "nothing was kept of it";
  // Nor by a group, nor by a change.
  EXPECT_EQ(wait(operations.add_group({at("b@birch.example"), {}, "", {at("a@acorn.example")}}, by))
                .error()
                .kind,
            ErrorKind::invalid);
  ASSERT_TRUE(add("b@birch.example", {at("bob@birch.example")}));
  EXPECT_EQ(wait(operations.set_alias(at("b@birch.example"),
                                      {.add_targets = {at("a@acorn.example")}}, by))
                .error()
                .kind,
            ErrorKind::invalid);
  add_group("g@birch.example", {at("a@acorn.example")});
  EXPECT_EQ(wait(operations.set_alias(at("b@birch.example"),
                                      {.add_targets = {at("g@birch.example")}}, by))
                .error()
                .kind,
            ErrorKind::invalid);
  EXPECT_EQ(wait(operations.set_group(at("g@birch.example"),
                                      {.add_members = {at("g+1@birch.example")}}, by))
                .error()
                .kind,
            ErrorKind::invalid);
  EXPECT_TRUE(wait(
      operations.set_group(at("g@birch.example"), {.add_members = {at("b@birch.example")}}, by)))
      << "two ways to one place are no circle";
}

// Ten is what mail is followed through: from below, from above, and by what joins two chains.
TEST_F(OperationsTest, AChainThatIsTooLongIsRefused) {
  add_alias(chained(1), {at("alice@acorn.example")});
  for (int i = 2; i <= 10; ++i) add_alias(chained(i), {at(chained(i - 1))});
  const auto add = [&](std::string_view address, std::string_view target) {
    return wait(operations.add_alias({at(address), {}, {at(target)}, {}}, by));
  };
  EXPECT_EQ(add(chained(11), chained(10)).error().kind, ErrorKind::invalid);
  EXPECT_EQ(add("other@birch.example", chained(10)).error().kind, ErrorKind::invalid);
  EXPECT_TRUE(add("other@birch.example", chained(9)));
  // Built from its upper end: the last one joins it.
  for (int i = 20; i < 29; ++i) add_alias(chained(i), {at(chained(i + 1))});
  EXPECT_EQ(add(chained(29), chained(1)).error().kind, ErrorKind::invalid);
  EXPECT_TRUE(add(chained(29), "alice@acorn.example"));
  EXPECT_EQ(add("alice2@acorn.example", chained(20)).error().kind, ErrorKind::invalid);
  const auto expansion = wait(directory.expand(at(chained(20)))).value();
  ASSERT_EQ(expansion.leaves.size(), 1U);
  EXPECT_TRUE(expansion.dropped.empty());
}

TEST_F(OperationsTest, AliasesAreChecked) {
  const auto alias = [&](std::vector<Address> targets) {
    return wait(operations.add_alias({at("info@acorn.example"), {}, std::move(targets), {}}, by));
  };
  EXPECT_EQ(alias({}).error().kind, ErrorKind::invalid);
  EXPECT_EQ(alias({at("INFO@acorn.example")}).error().kind, ErrorKind::invalid);
  std::vector<Address> many;
  for (std::size_t i = 0; i <= alias_targets_max; ++i)
    many.push_back(at("n" + std::to_string(i) + "@old.example"));
  EXPECT_EQ(alias(many).error().kind, ErrorKind::invalid);
  EXPECT_EQ(alias({at("dave@old.example"), at("DAVE@old.example")})->targets.size(), 1U);
  const auto change = [&](AliasChange asked) {
    return wait(operations.set_alias(at("info@acorn.example"), std::move(asked), by));
  };
  EXPECT_EQ(change({.remove_targets = {at("dave@old.example")}}).error().kind, ErrorKind::invalid);
  EXPECT_EQ(change({.remove_targets = {at("x@old.example")}}).error().kind, ErrorKind::not_found);
  const auto changed = change({.add_targets = {at("bob@birch.example")},
                               .remove_targets = {at("dave@old.example")},
                               .send_as = Alias::SendAs::allowed});
  EXPECT_THAT(changed->targets, ElementsAre(at("bob@birch.example")));
  EXPECT_EQ(wait(operations.show_alias(at("Info@acorn.example"))).value(), changed.value());
  ASSERT_TRUE(wait(operations.remove_alias(at("info@acorn.example"), by)));
  EXPECT_EQ(wait(operations.show_alias(at("info@acorn.example"))).error().kind,
            ErrorKind::not_found);
  EXPECT_EQ(mailbox("info@acorn.example"), "");
}

TEST_F(OperationsTest, GroupsAreChecked) {
  add_group("all@acorn.example", {at("alice@acorn.example")});
  const auto change = [&](GroupChange asked) {
    return wait(operations.set_group(at("all@acorn.example"), std::move(asked), by));
  };
  EXPECT_EQ(change({.add_members = {at("all@acorn.example")}}).error().kind, ErrorKind::invalid);
  EXPECT_EQ(change({.display_name = "\x1b[0m"}).error().kind, ErrorKind::invalid);
  EXPECT_EQ(change({.display_name = "All of us", .add_members = {at("bob@birch.example")}})
                ->members.size(),
            2U);
  EXPECT_TRUE(change({.remove_members = {at("alice@acorn.example"), at("bob@birch.example")}})
                  ->members.empty());
  std::vector<Address> many;
  for (std::size_t i = 0; i <= group_members_max; ++i)
    many.push_back(at("n" + std::to_string(i) + "@old.example"));
  EXPECT_EQ(change({.add_members = many}).error().kind, ErrorKind::invalid);
  many.pop_back();
  EXPECT_TRUE(change({.add_members = many}));
  ASSERT_TRUE(wait(operations.remove_group(at("all@acorn.example"), by)));
  EXPECT_TRUE(std::holds_alternative<UnknownUser>(resolve("all@acorn.example")));
}

TEST_F(OperationsTest, ListsComeInPages) {
  for (int i = 0; i < 5; ++i)
    add_alias("n" + std::to_string(i) + "@acorn.example", {at("alice@acorn.example")});
  std::vector<std::string> all;
  std::optional<Address> after;
  for (;;) {
    const auto page = wait(operations.list_aliases("acorn.example", after, 2)).value();
    for (const auto& alias : page) all.push_back(alias.address.text());
    if (page.size() < 2) break;
    after = page.back().address;
  }
  EXPECT_THAT(all, ElementsAre("n0@acorn.example", "n1@acorn.example", "n2@acorn.example",
                               "n3@acorn.example", "n4@acorn.example"));
  const auto first = wait(operations.list_accounts("acorn.example", {}, 1)).value();
  EXPECT_EQ(first.at(0).id, alice.id);
  EXPECT_EQ(wait(operations.list_accounts("acorn.example", alice.id, 10))->at(0).id, carol.id);
  EXPECT_EQ(wait(operations.list_accounts("elm.example", {}, 10)).error().kind,
            ErrorKind::not_found);
  EXPECT_EQ(wait(operations.list_tenants("", 10))->size(), 2U);
  EXPECT_EQ(wait(operations.list_tenants("acorn.example", 10))->at(0).name, "birch.example");
  EXPECT_EQ(wait(operations.list_domains("", "", 10))->size(), 2U);
  EXPECT_EQ(wait(operations.list_domains("birch.example", "", 10))->at(0).domain.text(),
            "birch.example");
  EXPECT_TRUE(wait(operations.list_groups("acorn.example", std::nullopt, 10))->empty());
}

TEST_F(OperationsTest, EveryChangeIsSaid) {
  const auto before = events.count("directory.changed");
  EXPECT_FALSE(add_with("alice@acorn.example", "correct horse"));
  EXPECT_EQ(events.count("directory.changed"), before);
  ASSERT_TRUE(add_with("new@acorn.example", "correct horse"));
  const auto& fields = events.events.back().fields;
  EXPECT_THAT(fields,
              ElementsAre(std::pair<std::string_view, std::string>("what", "account"),
                          std::pair<std::string_view, std::string>("name", "new@acorn.example"),
                          std::pair<std::string_view, std::string>("change", "added"),
                          std::pair<std::string_view, std::string>("by", "operator")));
}

// Attack21: each of a tenant's rows lies under its own prefix, so another's transaction can't reach
// it.
TEST_F(OperationsTest, Attack21TenantsDontShareKeys) {
  for (const auto& [key, value] : store.contents()) {
    const bool site = key.starts_with("s/d/");
    const bool acorn = key.starts_with(store::tenant_prefix(alice.tenant) + "d/");
    const bool birch = key.starts_with(store::tenant_prefix(bob.tenant) + "d/");
    EXPECT_EQ(site + acorn + birch, 1) << key;
    if (birch) EXPECT_THAT(value, Not(HasSubstr("acorn.example")));
  }
}

}  // namespace
}  // namespace letterlock::directory
