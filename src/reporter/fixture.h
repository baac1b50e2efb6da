// For this room's tests: a reporter over two tenants' queues, in which each recipient ends as it is
// told to.
#pragma once

#include "custody/fixture.h"
#include "reporter/notice.h"
#include "reporter/reporter.h"
#include "trace/event.h"

namespace letterlock::reporter::test {

using namespace std::chrono_literals;

class Fixture : public custody::test::Fixture {
 protected:
  void start() {
    reporter.emplace(Ports{store, directory, custody, world.timers(), world.clock(), world.random(),
                           events, [this] { return custody::test::all_of({acorn, birch}); }},
                     options);
    run(reporter->run());
  }
  ~Fixture() override { stop(); }

  Mail to_dave() {
    Mail mail;
    mail.to = {"dave@old.example"};
    mail.owner = acorn;
    mail.account = alice.id;
    return mail;
  }
  void becomes(const base::TenantId& tenant, base::MessageId id, queue::Outcome outcome) {
    settle(tenant, id, std::move(outcome));
    if (reporter) reporter->notice(tenant);
  }
  // What became of the only recipient of acorn's first message.
  void becomes(queue::Outcome outcome) {
    becomes(acorn, queued(acorn).at(0).message.id, std::move(outcome));
  }
  static queue::Outcome no_such_user() {
    return {.index = 0,
            .step = queue::Step::fail,
            .status = "5.1.1",
            .reply = "550 5.1.1 no such user",
            .host = "mx1.old.example"};
  }
  static queue::Outcome delivered(unsigned index) {
    return {.index = index, .step = queue::Step::deliver, .status = "2.0.0", .reply = "delivered"};
  }
  static queue::Outcome later(unsigned index) {
    return {.index = index, .step = queue::Step::defer, .status = "4.4.1", .reply = "no answer"};
  }
  std::vector<queue::Entry> all_queued(const base::TenantId& tenant) {
    queue::ListOptions all;
    all.count_max = all.recipients_max = 100'000;
    auto page = ask<queue::ListPage>(tenant, [&](store::Transaction& tx) {
                  return queue::list(tx, tenant, all);
                }).value();
    EXPECT_FALSE(page.next);
    return std::move(page.entries);
  }
  std::vector<queue::Entry> reports(const base::TenantId& tenant) {
    auto out = all_queued(tenant);
    std::erase_if(out, [](const auto& entry) { return !entry.message.is_report; });
    return out;
  }
  // The reports in acorn's queue.
  std::vector<queue::Entry> reports() { return reports(acorn); }
  std::vector<queue::Entry> originals(const base::TenantId& tenant) {
    auto out = all_queued(tenant);
    std::erase_if(out, [](const auto& entry) { return entry.message.is_report; });
    return out;
  }
  static std::size_t count(std::string_view text, std::string_view what) {
    std::size_t count = 0;
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++count;
    return count;
  }
  // The parts of the one report: its header, then what stands between the boundaries.
  std::vector<std::string> parts(std::size_t count = 4) {
    world.advance(15s);  // others' notices are waited for
    const auto all = reports();
    EXPECT_THAT(all, testing::SizeIs(1));
    if (all.size() != 1) return std::vector<std::string>(4);
    auto rest = octets_of(all[0].message.blob);
    EXPECT_EQ(rest.size(), all[0].message.octets);
    EXPECT_EQ(base::to_hex(base::sha256(rest)), all[0].message.digest);
    const auto at = rest.find("boundary=\"");
    const auto boundary = "\r\n--" + rest.substr(at + 10, rest.find('"', at + 10) - at - 10);
    std::vector<std::string> out;
    for (auto end = rest.find(boundary); end != std::string::npos; end = rest.find(boundary)) {
      out.push_back(rest.substr(0, end + 2));
      rest.erase(0, end + boundary.size());
    }
    EXPECT_EQ(rest, "--\r\n");
    EXPECT_THAT(out, testing::SizeIs(count));
    out.resize(4);
    return out;
  }

  Options options{.node = "dublin-1", .host_name = "mail.acorn.example"};
  std::optional<Reporter> reporter;
};

}  // namespace letterlock::reporter::test
