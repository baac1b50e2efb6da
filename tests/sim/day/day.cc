#include "sim/day/day.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "peers/mail_client.h"
#include "sim/day/accounts.h"
#include "sim/day/faults.h"
#include "sim/day/operators.h"
#include "sim/day/people.h"
#include "sim/day/sums.h"
#include "sim/day/tenancy.h"
#include "sim/day/transfers.h"
#include "sim/day/undue.h"
#include "sim/day/wire.h"
#include "sim/day/witness.h"

namespace letterlock::day {
namespace {

using namespace std::chrono_literals;

constexpr base::Milliseconds drain_max = 48h;

hop::Requirement stricter(hop::Requirement a, const hop::Requirement& b) {
  a.level.value = std::max(a.level.value, b.level.value);
  a.tls_version.value = std::max(a.tls_version.value, b.tls_version.value);
  if (b.network.value == hop::NetworkNeed::private_) a.network.value = b.network.value;
  return a;
}

class Day {
 public:
  Day(std::uint64_t seed, Findings::Print print);
  DayResult run();

 private:
  void plan();
  void watch();
  Stranger::Told told();
  Readers::Comes comes();
  void look_into(const Commit& commit);
  net::Task<> look_into_report(base::TraceId trace, base::BlobId blob);
  bool concerns(const std::string& address, const base::TenantId& tenant) const;
  hop::Requirement required_on(const Letter& letter, const Transfers::Intent& intent) const;
  void committed(const store::Reads& reads, const store::Changes& changes);
  void check_asked(const Stranger& stranger, const Stranger::Taken& taken,
                   const base::TraceId& trace, const Letter& letter);
  void taken(const Stranger& stranger, const Stranger::Taken& taken);
  // Lets the world live, and cares for its nodes, until `done` or `limit`. Whether it is done.
  bool live(const std::function<bool()>& done, base::Milliseconds limit);
  void work();
  void ask_all(unsigned share);
  void close();
  std::vector<std::string> all_findings() const;

  sim::World world_;
  Findings findings_;
  sim::Random random_;
  Letters letters_;
  NamesKnown names_;
  PasswordsSeen passwords_;
  Custody custody_;
  Transfers transfers_;
  Sums sums_;
  Site site_;
  Witness witness_;
  Readers readers_;
  People people_;
  Asker asker_;
  Operators operators_;
  Faults faults_;
  Undue undue_;
  Tenancy tenancy_;
  Wire wire_;
  People::Plan plan_;
  unsigned acts_ = 0;  // of operators
};

Day::Day(std::uint64_t seed, Findings::Print print)
    : world_(seed),
      findings_(world_.clock(), print),
      random_(world_.random().fork("day")),
      letters_(world_.random().fork("letters")),
      custody_(letters_, names_, findings_, [this] { return world_.schedule()->now(); }),
      transfers_(custody_, findings_),
      sums_(findings_),
      site_(world_, findings_, names_, passwords_, told()),
      witness_({.now = [this] { return site_.now(); },
                .broken = [this](std::string what) { findings_.broken(std::move(what)); }},
               custody_, transfers_, names_, passwords_),
      readers_(site_, comes()),
      people_(site_, letters_, custody_, comes()),
      asker_(site_, custody_, witness_),
      operators_(site_, custody_, sums_),
      faults_(site_),
      undue_(site_, custody_),
      tenancy_([this](const std::string& address,
                      const base::TenantId& tenant) { return concerns(address, tenant); },
               findings_),
      wire_({{},
             [this](const Letter& letter) { return people_.required(letter); },
             [this](const Letter& letter, const Transfers::Intent& intent) {
               return required_on(letter, intent);
             },
             [this](const std::string& address) {
               const auto* person = site_.person(address);
               return person != nullptr && site_.tenants[person->tenant].clear_fetch;
             },
             {}},
            letters_, custody_, transfers_, findings_) {
  for (const auto& node : site_.nodes) {
    for (const auto& address : node->host().addresses()) {
      wire_.add_node(address);
      witness_.add_node(address);
    }
  }
  witness_.add_people(site_.client.addresses().front());
  witness_.add_people(site_.inside.addresses().front());
  if (site_.smart_host != nullptr) {
    const auto& smart_host = site_.smart_host->host().addresses().front();
    wire_.expect_smart_host(smart_host);
    witness_.expect_smart_host(smart_host);
  }
}

bool Day::concerns(const std::string& address, const base::TenantId& tenant) const {
  return std::ranges::any_of(site_.people, [&](const Person& person) {
    return site_.tenants[person.tenant].id == tenant &&
           (names_.may_lie_with(address, person.id) || names_.leads_to(address, person.address));
  });
}

// A tenant's own: a list's copy, a report, what came in for it and goes on by an alias. Where an
// alias of another tenant's led out, that one's as well.
hop::Requirement Day::required_on(const Letter& letter, const Transfers::Intent& intent) const {
  auto required = people_.required(letter);
  for (const auto* fate : custody_.fates_of(intent.trace)) {
    if (fate->tenant != intent.tenant) continue;
    const auto& indexes = intent.hop->recipients;
    if (std::ranges::find(indexes, fate->trace_index) == indexes.end()) continue;
    required = stricter(required, people_.required_by(letter, fate->tenant, fate->began));
    if (fate->state != queue::State::expanded) continue;
    const auto domain = fate->address.substr(fate->address.find('@') + 1);
    const auto its = std::ranges::find(site_.tenants, domain, &Tenant::name);
    if (its != site_.tenants.end())
      required = stricter(required, people_.required_by(letter, its->id, site_.now()));
  }
  return required;
}

void Day::plan() {
  plan_.submissions = static_cast<unsigned>(random_.between(1, 20));
  plan_.receptions = static_cast<unsigned>(random_.below(12));
  plan_.readers = static_cast<unsigned>(random_.below(12));
  plan_.babblers = static_cast<unsigned>(random_.below(4));
  plan_.crowds = random_.below(3) == 0 ? static_cast<unsigned>(random_.between(1, 2)) : 0;
  plan_.requirements = static_cast<unsigned>(random_.below(5));
  acts_ = random_.below(3) == 0 ? 0 : static_cast<unsigned>(random_.below(12));
  plan_.span = base::Milliseconds(static_cast<std::int64_t>(random_.between(60'000, 10'800'000)));
}

Stranger::Told Day::told() {
  return {
      [this](Stranger& stranger, const Stranger::Taken& taken) { this->taken(stranger, taken); },
      [this](std::string_view octets, const hop::TlsFacts& tls) { wire_.received(octets, tls); },
      [this](Stranger& stranger, const std::vector<std::string>& recipients) {
        undue_.refused(stranger, recipients);
      }};
}

Readers::Comes Day::comes() {
  return [this](const net::Endpoint& from, const Person& who, bool binds) {
    witness_.client_is(from, who.id, binds);
  };
}

void Day::watch() {
  site_.store.observe([this](const store::Reads& reads, const store::Changes& changes) {
    committed(reads, changes);
  });
  site_.network.observe([this](const sim::Crossing& crossing) {
    wire_.crossed(crossing);
    witness_.crossed(crossing);
  });
}

void Day::committed(const store::Reads& reads, const store::Changes& changes) {
  tenancy_.touched(reads, changes);
  if (changes.empty()) return;
  auto read = read_commit(changes);
  if (!read) return findings_.broken("store: " + read.error().what);
  const auto commit = custody_.with_all_steps(std::move(*read));
  custody_.committed(commit);
  transfers_.committed(commit);
  undue_.committed();
  witness_.committed(commit);
  look_into(commit);
  operators_.meddle(commit);
  sums_.committed(commit);
  tenancy_.committed(commit);
  // What is broken may go round and round within this very moment.
  if (findings_.all().empty()) return;
  for (const auto& node : site_.nodes) node->crash();
}

// A report may return what it tells of.
void Day::look_into(const Commit& commit) {
  for (const auto& row : commit.messages) {
    if (row.value && row.value->is_report)
      world_.loop().spawn(look_into_report(row.value->trace, row.value->blob));
  }
}

net::Task<> Day::look_into_report(base::TraceId trace, base::BlobId blob) {
  constexpr std::size_t octets_max = 1024 * 1024;
  const auto octets = co_await site_.store.read_blob(blob, 0, octets_max);
  if (!octets) co_return;
  custody_.check_report(trace, *octets);
  const auto marks = marks_in(*octets);
  witness_.report_holds(trace, std::ranges::any_of(marks, [](const Mark& mark) {
                          return mark.of != Mark::Of::subject;
                        }));
}

// The trace that brought it stands in the header, before whatever came with it.
void Day::taken(const Stranger& stranger, const Stranger::Taken& taken) {
  const std::string_view content = taken.content;
  const auto trace = trace_in_header(content.substr(0, 4096), custody_);
  if (!trace) {
    findings_.broken(stranger.name() + " was given content of no trace");
    return;
  }
  findings_.note(fmt::format("{} takes {} for {}", stranger.name(), trace->text(),
                             fmt::join(taken.recipients, ", ")));
  const auto* what = custody_.taken(*trace);
  if (what->letter != nullptr && !what->report_of && !content.ends_with(what->letter->body))
    findings_.broken(fmt::format("content: letter {} came to {} changed", what->letter->number,
                                 stranger.name()));
  if (content.find(bcc_address) != std::string_view::npos)
    findings_.broken("content: a Bcc field came to " + stranger.name());
  if (what->letter != nullptr && !what->report_of && taken.offers_dsn)
    check_asked(stranger, taken, *trace, *what->letter);
  transfers_.taken(*trace, taken.recipients);
}

// RFC 3461 §5.2.1: what the sender asked goes on to whoever offers to do it, and with it the duty.
void Day::check_asked(const Stranger& stranger, const Stranger::Taken& taken,
                      const base::TraceId& trace, const Letter& letter) {
  for (std::size_t i = 0; i < taken.recipients.size(); ++i) {
    const auto& recipient = taken.recipients[i];
    custody_.passed_on(trace, recipient);
    // One that stands in a list as well comes by both ways.
    const auto& fates = custody_.fates_from(trace);
    if (std::ranges::count(fates, recipient, &Fate::address) != 1) continue;
    // §5.2.7.3: of a group's copy the group's keeper hears, not the writer.
    const auto fate = std::ranges::find(fates, recipient, &Fate::address);
    const bool is_a_groups = (*fate)->trace != trace;
    // Behind an alias of another tenant stands somebody whom the writer didn't name.
    if (is_a_groups && !taken.mail_from.starts_with("postmaster@")) continue;
    const auto asked = is_a_groups ? dsn::Notify() : letter.notify_of(recipient);
    if (!asked) continue;
    if (taken.asked[i].notify != *asked ||
        taken.params != (is_a_groups ? dsn::MailParams() : letter.params))
      findings_.broken(fmt::format("dsn: letter {} came to {} for {} with other wishes",
                                   letter.number, stranger.name(), recipient));
  }
}

bool Day::live(const std::function<bool()>& done, base::Milliseconds limit) {
  const auto end = site_.now() + limit;
  const auto stop = [&] { return done() || site_.needs_care() || !findings_.all().empty(); };
  while (!done() && findings_.all().empty()) {
    if (site_.now() >= end) return false;
    if (!world_.run_until(stop, end - site_.now())) return done();
    site_.care();
  }
  return true;
}

void Day::work() {
  for (const auto& tenant : site_.tenants) sums_.allow(tenant.id, tenant.per_hour, tenant.per_day);
  people_.begin(plan_);
  readers_.begin(plan_.readers, plan_.span);
  asker_.begin(static_cast<unsigned>(random_.below(30)), plan_.span);
  operators_.begin(acts_, plan_.span);
  faults_.begin(plan_.span);
  live([] { return false; }, plan_.span);
  faults_.end();
  operators_.end();
  const auto all_up = [this] {
    return std::ranges::all_of(site_.nodes, [](const auto& node) { return node->is_up(); });
  };
  const bool drained = live(
      [&] {
        return people_.are_done() && readers_.are_done() && operators_.are_done() &&
               custody_.is_empty() && all_up();
      },
      drain_max);
  if (!findings_.all().empty()) return;
  if (!drained) return findings_.broken("custody: not everything is settled: " + custody_.text());
  ask_all(3);
  if (!findings_.all().empty()) return;
  check_day({site_, people_, readers_, letters_, custody_, findings_});
  // Once more, for by now everybody has everything, and at the day's end has been told.
  const auto fetched = site_.now();
  const auto now = world_.clock().now();
  world_.clock().jump(std::chrono::ceil<std::chrono::days>(now) - now);
  live([] { return false; }, 25min);
  // A fetch that another tenant was told the beginning of ends there with its day.
  transfers_.check_end();
  asker_.told_until(fetched);
  ask_all(5);
}

void Day::ask_all(unsigned share) {
  asker_.ask_all(share);
  if (!live([this] { return asker_.are_done(); }, 1h) && findings_.all().empty())
    findings_.broken("exposure: not every question is answered");
}

void Day::close() {
  site_.close();
  std::size_t open = 1 + site_.strangers.size() + 5;
  const auto closed = [&open] { --open; };
  world_.loop().spawn(people_.close(), closed);
  world_.loop().spawn(readers_.close(), closed);
  world_.loop().spawn(asker_.close(), closed);
  world_.loop().spawn(operators_.close(), closed);
  world_.loop().spawn(faults_.close(), closed);
  world_.loop().spawn(site_.impostor.close(), closed);
  for (const auto& stranger : site_.strangers) world_.loop().spawn(stranger->close(), closed);
  world_.run_until([&] { return open == 0; }, 24h);
  site_.store.observe({});
  site_.network.observe({});
}

std::vector<std::string> Day::all_findings() const {
  auto all = findings_.all();
  all.insert(all.end(), findings_.wrong_answers().begin(), findings_.wrong_answers().end());
  return all;
}

DayResult Day::run() {
  plan();
  watch();
  if (site_.open()) {
    work();
  }
  close();
  return {all_findings(),        findings_.digest(),        findings_.lines(), world_.steps(),
          letters_.all().size(), people_.promises().size(), asker_.answers()};
}

}  // namespace

DayResult run_day(std::uint64_t seed, Findings::Print print) {
  return Day(seed, print).run();
}

}  // namespace letterlock::day
