// Mail ends: whatever three names stand for, groups and aliases that lead to each other, to
// mailboxes, outside and nowhere, a message makes a bounded number of copies and of reports, and
// its sender hears of it or somebody has it. By the agents themselves: over a fifth of all in
// ./test, over all where LETTERLOCK_ALL_TOPOLOGIES is set.
#include <cstdlib>
#include <map>

#include "custody/fixture.h"
#include "mda/mda.h"
#include "reporter/reporter.h"

namespace letterlock::test {
namespace {

using namespace std::chrono_literals;
using custody::test::at;

// What the three names of one domain stand for. postmaster@ hears of what fails behind a group, and
// is a group or an alias itself.
constexpr std::array names{"postmaster", "b", "c"};
struct Node {
  bool is_group = false;
  unsigned others = 0;  // bits: the two other names, in their order
  unsigned ends = 0;    // bits: somebody who gets it, somebody who doesn't
};
// Many, so that deliveries needn't wait for each other's changes of one mailbox.
constexpr std::size_t boxes_count = 64;
constexpr std::size_t members_count = 4 * 3 - 1;
constexpr std::size_t nodes_count = 2 * members_count;

Node node_of(std::size_t number) {
  const auto members = number % members_count + 1;  // 0 would be a list of nobody
  return {number >= members_count, static_cast<unsigned>(members / 3),
          static_cast<unsigned>(members % 3)};
}

// The names that mail to one and reports to another can come to: where a list's members fail, its
// postmaster hears of it.
std::array<bool, 3> reached(const std::array<Node, 3>& nodes, std::vector<std::size_t> ahead) {
  std::array<bool, 3> seen{};
  while (!ahead.empty()) {
    const auto at = ahead.back();
    ahead.pop_back();
    if (seen[at]) continue;
    seen[at] = true;
    if ((nodes[at].others & 1U) != 0) ahead.push_back((at + 1) % 3);
    if ((nodes[at].others & 2U) != 0) ahead.push_back((at + 2) % 3);
    if (nodes[at].is_group) ahead.push_back(0);
  }
  return seen;
}

struct Case {
  std::size_t number = 0;
  std::array<Node, 3> nodes;
  std::string mail_from;
  std::string to;
  std::string tag() const { return "t" + std::to_string(number); }
  std::string domain() const { return tag() + ".example"; }
  std::string name(std::size_t which) const { return std::string(names[which]) + "@" + domain(); }
  // One of three kinds of each, in turn: they are told alike.
  std::string arrives() const {
    return number % 3 == 0
               ? "taken+" + tag() + "@modern.example"
               : "box" + std::to_string(number % boxes_count) + "+" + tag() + "@acorn.example";
  }
  std::string fails() const {
    constexpr std::array users{"nobody", "suspended", "refused"};
    return std::string(users[number / 3 % 3]) + "+" + tag() +
           (number / 3 % 3 == 2 ? "@modern.example" : "@acorn.example");
  }
  std::vector<address::Address> members(std::size_t which) const {
    std::vector<address::Address> all;
    const auto& node = nodes[which];
    if ((node.others & 1U) != 0) all.push_back(at(name((which + 1) % 3)));
    if ((node.others & 2U) != 0) all.push_back(at(name((which + 2) % 3)));
    if ((node.ends & 1U) != 0) all.push_back(at(arrives()));
    if ((node.ends & 2U) != 0) all.push_back(at(fails()));
    return all;
  }
  std::string text() const {
    std::string out = "from <" + mail_from + "> to " + to;
    for (std::size_t i = 0; i < names.size(); ++i) {
      out += std::string("; ") + names[i] + (nodes[i].is_group ? " is a group of" : " leads to");
      for (const auto& member : members(i)) out += " " + member.text();
    }
    return out;
  }
};

// Of one case.
struct Seen {
  unsigned copies = 0;
  unsigned met_again = 0;
  unsigned reports = 0;
  unsigned arrived = 0;
};

class TopologiesTest : public custody::test::Fixture {
 protected:
  TopologiesTest() {
    for (std::size_t i = 0; i < boxes_count; ++i)
      add_account("box" + std::to_string(i) + "@acorn.example");
    add_account("suspended@acorn.example");
    set_account("suspended@acorn.example", {.state = directory::Account::State::suspended});
    mda.emplace(mda::Ports{store, directory, dispatcher, leases, world.loop(), world.timers(),
                           world.clock(), world.random(), events,
                           [this](base::TenantId tenant) { reporter->notice(tenant); }},
                mda::Options{"dublin-1", {}});
    reporter.emplace(
        reporter::Ports{store, directory, custody, world.timers(), world.clock(), world.random(),
                        events, [this] { return custody::test::all_of({acorn, birch}); }},
        reporter::Options{.node = "dublin-1",
                          .host_name = "mail.acorn.example",
                          .budget = {1'000'000, 1'000'000, 1'000'000, 1'000'000}});
    run_queue();
    run(mda->run());
    run(reporter->run());
    run(outside());
  }
  ~TopologiesTest() override { stop(); }

  // Everybody else's MTAs in one: takes what is for "taken", refuses what is for others.
  net::Task<> outside() {
    while (true) {
      auto job = co_await dispatcher.take({queue::Lane::remote, queue::Lane::report});
      if (!job) co_return;
      for (const auto& item : job->items) {
        const auto settled =
            co_await store.transact(store::Scope::tenant(item.tenant),
                                    [&](store::Transaction& tx) { return answer_in(tx, item); });
        EXPECT_TRUE(settled) << settled.error().what;
      }
      dispatcher.finish(*job, std::nullopt);
      reporter->notice(job->tenant);
    }
  }
  net::ResultTask<> answer_in(store::Transaction& tx, queue::Due item) {
    CO_TRY(const auto entry, co_await queue::find(tx, item.tenant, item.message));
    if (!entry) co_return base::Result<>();
    const auto& recipient = entry->recipients.at(item.recipient);
    const bool takes = recipient.address.starts_with("taken+");
    if (takes) outside_has[recipient.address] += 1;
    std::vector<queue::Outcome> outcomes{{.index = item.recipient,
                                          .step = takes ? queue::Step::relay : queue::Step::fail,
                                          .status = takes ? "2.0.0" : "5.1.1",
                                          .reply = takes ? "250 ok" : "550 no such user",
                                          .host = "mx.modern.example"}};
    CO_TRY(const auto settled,
           co_await queue::settle(tx, queue::Schedule(), item.tenant, item.message,
                                  std::move(outcomes), {.now = world.clock().now()}));
    (void)settled;
    co_return base::Result<>();
  }

  net::ResultTask<> put_domains(store::Transaction& tx, const std::vector<Case>& cases) {
    for (const auto& one : cases) {
      const auto domain = address::Domain::parse(one.domain()).value();
      tx.put(directory::keys::domain(domain),
             directory::encode(directory::DomainRecord{domain, acorn, {}, world.clock().now()}));
    }
    co_return base::Result<>();
  }
  net::ResultTask<> put_lists(store::Transaction& tx, const std::vector<Case>& cases) {
    for (const auto& one : cases) {
      for (std::size_t i = 0; i < names.size(); ++i)
        CO_CHECK(co_await put_list_in(tx, one.nodes[i].is_group ? List::group : List::alias, acorn,
                                      at(one.name(i)), one.members(i)));
    }
    co_return base::Result<>();
  }

  std::map<std::string, Seen> seen() const {
    std::map<std::string, Seen> all;
    // "t17" of "b@t17.example" and of "box+t17@acorn.example".
    const auto tag = [](std::string_view address) {
      const auto plus = address.find('+');
      const auto sign = address.find('@');
      const auto begin = plus == std::string_view::npos ? sign + 1 : plus + 1;
      return std::string(address.substr(begin, address.find_first_of("@.", begin) - begin));
    };
    for (const auto& event : events.all()) {
      if (event.name == "mda.expanded")
        ++(event["detail"].starts_with("before") ? all[tag(event["recipient"])].met_again
                                                 : all[tag(event["recipient"])].copies);
      if (event.name == "mda.delivered") ++all[tag(event["recipient"])].arrived;
      if (event.name == "report.made") ++all[tag(event["to"])].reports;
    }
    for (const auto& [address, count] : outside_has) all[tag(address)].arrived += count;
    return all;
  }

  void check(const std::vector<Case>& cases) {
    ASSERT_TRUE(wait(store.transact(
        store::Scope::site(), [&](store::Transaction& tx) { return put_domains(tx, cases); })));
    ASSERT_TRUE(wait(store.transact(store::Scope::tenant(acorn),
                                    [&](store::Transaction& tx) { return put_lists(tx, cases); })));
    for (const auto& one : cases) {
      Mail mail;
      mail.mail_from = one.mail_from;
      mail.to = {one.to};
      accept(mail);
    }
    const auto until = world.clock().now() + 10min;
    while (!queued(acorn).empty() && world.clock().now() < until) world.advance(5s);
    ASSERT_TRUE(queued(acorn).empty())
        << "not at an end: " << queued(acorn)[0].recipients[0].address;
    const auto all = seen();
    for (const auto& one : cases) {
      const auto found = all.find(one.tag());
      const auto its = found == all.end() ? Seen() : found->second;
      // Each list is followed once for the sender and once for the postmaster whom groups name;
      // each copy has one report at most for each of its two that can fail; each report is followed
      // by each list once.
      EXPECT_LE(its.reports, 12U) << one.text();
      EXPECT_LE(its.copies, 6 + its.reports * 3) << one.text();
      EXPECT_LE(its.met_again, its.copies * 2) << one.text();
      if (one.mail_from.empty())
        EXPECT_EQ(its.reports, 0U) << one.text();
      else
        EXPECT_GT(its.reports + its.arrived, 0U) << "lost in silence: " << one.text();
    }
    outside_has.clear();
  }

  std::map<std::string, unsigned> outside_has;
  std::optional<mda::Mda> mda;
  std::optional<reporter::Reporter> reporter;
};

TEST_F(TopologiesTest, Attack14MailEnds) {
  constexpr std::size_t batch = 500;
  const std::size_t each = std::getenv("LETTERLOCK_ALL_TOPOLOGIES") != nullptr ? 1 : 5;
  std::vector<Case> cases;
  std::size_t number = 0;
  const auto add = [&](std::array<std::size_t, 3> numbers, std::size_t from, std::size_t to) {
    const std::array nodes{node_of(numbers[0]), node_of(numbers[1]), node_of(numbers[2])};
    std::vector<std::size_t> begun{to};
    if (from < names.size()) begun.push_back(from);
    const auto seen = reached(nodes, begun);
    // A name that nothing comes to is looked at once, whatever it stands for.
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!seen[i] && numbers[i] != 0) return;
    }
    Case one;
    one.number = number++;
    if (one.number % each != 0) return;
    one.nodes = nodes;
    if (from < names.size()) one.mail_from = one.name(from);
    one.to = one.name(to);
    cases.push_back(std::move(one));
    if (cases.size() < batch) return;
    check(cases);
    cases.clear();
  };
  for (std::size_t p = 0; p < nodes_count; ++p) {
    for (std::size_t b = 0; b < nodes_count; ++b) {
      for (std::size_t c = 0; c < nodes_count && !HasFailure(); ++c) {
        // From nobody to the postmaster, where b and c are alike.
        if (b <= c) add({p, b, c}, 3, 0);
        add({p, b, c}, 2, 1);  // from one name to another
      }
    }
  }
  if (!cases.empty()) check(cases);
}

}  // namespace
}  // namespace letterlock::test
