#include "directory/record.h"

#include <gtest/gtest.h>

namespace letterlock::directory {
namespace {

Address at(std::string_view text) {
  return Address::parse(text).value();
}

Tenant some_tenant() {
  Tenant tenant;
  tenant.name = "birch.example";
  tenant.clear_fetch = ClearFetch::allowed;
  tenant.clear_fetch_set = {"admin@birch.example", base::from_milliseconds(1'793'577'600'123)};
  tenant.requirement_reason = "by contract";
  tenant.requirement =
      hop::requirement_from("level=mutual network=private", requirement_source(tenant)).value();
  tenant.limits = {1, 2, 3};
  tenant.postmaster = base::AccountId(base::IdOctets{7});
  return tenant;
}

Account some_account() {
  Account account;
  account.address = at("\"a b\"@acorn.example");
  account.display_name = "Ünal";
  account.keys = sasl::derive("correct horse", "0123456789abcdef", 1);
  account.accepts = Accepts::plus_only;
  account.state = Account::State::suspended;
  account.sending = {Sending::State::stopped, "why", base::from_milliseconds(5)};
  account.quota_octets = 1ULL << 40;
  account.accepts_since = base::from_milliseconds(6);
  account.certificates = {std::string(64, 'a'), std::string(64, '0')};
  account.more_addresses = {at("c@acorn.example"), at("d@acorn.example")};
  return account;
}

TEST(DirectoryRecords, ComeBackAsTheyWere) {
  EXPECT_EQ(decode_tenant(encode(some_tenant())).value(), some_tenant());
  EXPECT_EQ(decode_tenant(encode(Tenant())).value(), Tenant());
  EXPECT_EQ(decode_account(encode(some_account())).value(), some_account());
  const DomainRecord domain{Domain::parse("b\xc3\xbc"
                                          "cher.example")
                                .value(),
                            {},
                            DomainRecord::State::closing,
                            {}};
  EXPECT_EQ(decode_domain(encode(domain)).value(), domain);
  const Alias alias{at("i@acorn.example"),
                    {},
                    {at("a@old.example"), at("B@old.example")},
                    Alias::SendAs::allowed};
  EXPECT_EQ(decode_alias(encode(alias)).value(), alias);
  const Group group{at("g@acorn.example"), {}, "All", {}};
  EXPECT_EQ(decode_group(encode(group)).value(), group);
  const Entry entry{Entry::Kind::more_address, base::AccountId(base::IdOctets{3})};
  EXPECT_EQ(decode_entry(encode(entry)).value(), entry);
  const SendingCount count{base::from_milliseconds(1), 2, base::from_milliseconds(3), 4, 5};
  EXPECT_EQ(decode_sending_count(encode(count)).value(), count);
}

// Attack50: every octet cut off and every bit turned gives an error or another value, never a
// crash.
TEST(Attack50, BitsOfDirectoryRecords) {
  const auto whole = encode(some_account());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(decode_account(whole.substr(0, size)).error().kind, base::ErrorKind::corrupt) << size;
  }
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    auto turned = whole;
    turned[bit / 8] = static_cast<char>(turned[bit / 8] ^ (1 << bit % 8));
    const auto account = decode_account(turned);
    if (account) EXPECT_EQ(decode_account(encode(*account)).value(), *account) << bit;
  }
}

// Attack09: nothing of an address can pass for another record's field.
TEST(Attack09, AddressesInRecordsAreAddresses) {
  const Alias alias{at("info@acorn.example"), {}, {at("alice@acorn.example")}, {}};
  for (const char evil : {'\r', '\n', '\0', ' ', '<'}) {
    auto octets = encode(alias);
    octets[octets.find("alice") + 2] = evil;
    EXPECT_EQ(decode_alias(octets).error().kind, base::ErrorKind::corrupt);
  }
}

TEST(DirectoryKeys, AreOfTheirScopeAndKnowNoCase) {
  const base::TenantId tenant(base::IdOctets{5});
  EXPECT_EQ(keys::entry(tenant, at("ALICE@Acorn.example")),
            keys::entry(tenant, at("alice@acorn.example")));
  EXPECT_TRUE(keys::entry(tenant, at("a@acorn.example"))
                  .starts_with(keys::entries_in(tenant, Domain::parse("acorn.example").value())));
  EXPECT_FALSE(keys::entry(tenant, at("a@acorn.example.org"))
                   .starts_with(keys::entries_in(tenant, Domain::parse("acorn.example").value())));
  EXPECT_NE(keys::alias(tenant, at("a@acorn.example")), keys::group(tenant, at("a@acorn.example")));
}

}  // namespace
}  // namespace letterlock::directory
