// For this room's tests: the agent over two tenants in a simulated world.
#pragma once

#include "custody/fixture.h"
#include "mailbox/mailbox.h"
#include "mda/mda.h"

namespace letterlock::mda::test {

using namespace std::chrono_literals;
using custody::test::at;

class MdaTest : public custody::test::Fixture {
 protected:
  MdaTest() {
    mda.emplace(
        Ports{store, directory, dispatcher, leases, world.loop(), world.timers(), world.clock(),
              world.random(), events, [this](base::TenantId tenant) { noticed.insert(tenant); }},
        Options{"dublin-1", {}});
    run_queue();
    run(mda->run());
  }
  ~MdaTest() override { stop(); }

  void add_alias(std::string_view address, const std::vector<std::string>& targets) {
    directory::Alias alias{at(address), {}, {}};
    for (const auto& target : targets) alias.targets.push_back(at(target));
    ASSERT_TRUE(wait(operations.add_alias(std::move(alias), "test")));
  }
  void add_group(std::string_view address, const std::vector<std::string>& members) {
    directory::Group group{at(address), {}, "All", {}};
    for (const auto& member : members) group.members.push_back(at(member));
    ASSERT_TRUE(wait(operations.add_group(std::move(group), "test")));
  }
  // What lies in an account's INBOX, prefix and blob.
  static net::ResultTask<std::vector<mailbox::Message>> inbox_in(store::Transaction& tx,
                                                                 mailbox::Owner owner) {
    CO_TRY(const auto inbox, co_await mailbox::find(tx, owner, std::string(mailbox::inbox)));
    co_return co_await mailbox::list(tx, inbox.place, 1, mailbox::page_max);
  }
  std::vector<std::string> inbox(const directory::Account& account) {
    const auto messages = ask<std::vector<mailbox::Message>>(
        account.tenant,
        [&](store::Transaction& tx) { return inbox_in(tx, {account.tenant, account.id}); });
    std::vector<std::string> out;
    if (!messages) return out;
    for (const auto& message : *messages) out.push_back(message.prefix + octets_of(message.blob));
    return out;
  }
  // Whatever is to happen within a minute has happened.
  void settle() { world.advance(1min); }

  // Of alice's, as a submission of hers.
  Mail from_alice(const std::string& to) {
    Mail mail;
    mail.to = {to};
    mail.owner = acorn;
    mail.account = alice.id;
    return mail;
  }
  static std::vector<std::string> addresses(const queue::Entry& entry) {
    std::vector<std::string> out;
    for (const auto& recipient : entry.recipients) out.push_back(recipient.address);
    return out;
  }
  // The one recipient that waits to be told of in this tenant.
  queue::Recipient failed(const base::TenantId& tenant) {
    const auto entries = queued(tenant);
    EXPECT_EQ(entries.size(), 1U);
    if (entries.size() != 1 || entries[0].recipients.size() != 1) return {};
    EXPECT_EQ(entries[0].recipients[0].notice, queue::Notice::failed);
    EXPECT_EQ(entries[0].recipients[0].state, queue::State::failed);
    return entries[0].recipients[0];
  }

  // What is read and changed from now on, and how often the whole of a message's recipients is.
  struct Work {
    std::size_t keys_read = 0;
    std::size_t messages_read = 0;
    std::size_t transactions = 0;
  };
  void count_work() {
    work = {};
    store.observe([this](const store::Reads& reads, const store::Changes& changes) {
      work.keys_read += reads.keys.size();
      for (const auto& range : reads.ranges)
        work.messages_read += range.first.find("/q/r/") != std::string::npos ? 1 : 0;
      work.transactions += changes.empty() ? 0 : 1;
    });
  }

  static net::ResultTask<> remove_some(store::Transaction& tx, mailbox::Owner owner) {
    CO_TRY(const auto left, co_await mailbox::remove_account(tx, owner, 1));
    EXPECT_EQ(left, mailbox::Left::more);
    co_return base::Result<>();
  }

  Work work;
  std::optional<Mda> mda;
  std::set<base::TenantId> noticed;
};

}  // namespace letterlock::mda::test
