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
#include "sim/day/wire.h"

namespace letterlock::day {
namespace {

using namespace std::chrono_literals;

constexpr base::Milliseconds drain_max = 48h;

class Day {
 public:
  Day(std::uint64_t seed, Findings::Print print);
  DayResult run();

 private:
  void plan();
  void watch();
  Stranger::Told told();
  bool concerns(const std::string& address, const base::TenantId& tenant) const;
  void committed(const store::Reads& reads, const store::Changes& changes);
  void check_asked(const Stranger& stranger, const Stranger::Taken& taken,
                   const base::TraceId& trace, const Letter& letter);
  void taken(const Stranger& stranger, const Stranger::Taken& taken);
  // Lets the world live, and cares for its nodes, until `done` or `limit`. Whether it is done.
  bool live(const std::function<bool()>& done, base::Milliseconds limit);
  void work();
  void close();

  sim::World world_;
  Findings findings_;
  sim::Random random_;
  Letters letters_;
  NamesKnown names_;
  Custody custody_;
  Transfers transfers_;
  Sums sums_;
  Site site_;
  People people_;
  Operators operators_;
  Faults faults_;
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
      custody_(letters_, names_, findings_),
      transfers_(custody_, findings_),
      sums_(findings_),
      site_(world_, findings_, names_, told()),
      people_(site_, letters_, custody_),
      operators_(site_, custody_, sums_),
      faults_(site_),
      tenancy_([this](const std::string& address,
                      const base::TenantId& tenant) { return concerns(address, tenant); },
               findings_),
      wire_({{},
             [this](const Letter& letter) { return people_.required(letter); },
             [this](const std::string& address) {
               const auto* person = site_.person(address);
               return person != nullptr && site_.tenants[person->tenant].clear_fetch;
             },
             {}},
            letters_, custody_, transfers_, findings_) {
  for (const auto& node : site_.nodes) wire_.add_node(node->host().addresses().front());
  if (site_.smart_host != nullptr)
    wire_.expect_smart_host(site_.smart_host->host().addresses().front());
}

bool Day::concerns(const std::string& address, const base::TenantId& tenant) const {
  return std::ranges::any_of(site_.people, [&](const Person& person) {
    return site_.tenants[person.tenant].id == tenant &&
           (names_.may_lie_with(address, person.id) || names_.leads_to(address, person.address));
  });
}

void Day::plan() {
  plan_.submissions = static_cast<unsigned>(random_.between(1, 20));
  plan_.receptions = static_cast<unsigned>(random_.below(12));
  plan_.fetches = static_cast<unsigned>(random_.below(12));
  plan_.babblers = static_cast<unsigned>(random_.below(4));
  plan_.requirements = static_cast<unsigned>(random_.below(5));
  acts_ = random_.below(3) == 0 ? 0 : static_cast<unsigned>(random_.below(12));
  plan_.span = base::Milliseconds(static_cast<std::int64_t>(random_.between(60'000, 10'800'000)));
}

Stranger::Told Day::told() {
  return {
      [this](Stranger& stranger, const Stranger::Taken& taken) { this->taken(stranger, taken); },
      [this](std::string_view octets, const hop::TlsFacts& tls) { wire_.received(octets, tls); }};
}

void Day::watch() {
  site_.store.observe([this](const store::Reads& reads, const store::Changes& changes) {
    committed(reads, changes);
  });
  site_.network.observe([this](const sim::Crossing& crossing) { wire_.crossed(crossing); });
}

void Day::committed(const store::Reads& reads, const store::Changes& changes) {
  tenancy_.touched(reads, changes);
  if (changes.empty()) return;
  auto read = read_commit(changes);
  if (!read) return findings_.broken("store: " + read.error().what);
  const auto commit = custody_.with_all_steps(std::move(*read));
  custody_.committed(commit);
  transfers_.committed(commit);
  sums_.committed(commit);
  tenancy_.committed(commit);
  // What is broken may go round and round within this very moment.
  if (findings_.all().empty()) return;
  for (const auto& node : site_.nodes) node->crash();
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
        return people_.are_done() && operators_.are_done() && custody_.is_empty() && all_up();
      },
      drain_max);
  if (!findings_.all().empty()) return;
  if (!drained) return findings_.broken("custody: not everything is settled: " + custody_.text());
  check_day({site_, people_, letters_, custody_, transfers_, findings_});
}

void Day::close() {
  site_.close();
  std::size_t open = 1 + site_.strangers.size() + 2;
  const auto closed = [&open] { --open; };
  world_.loop().spawn(people_.close(), closed);
  world_.loop().spawn(operators_.close(), closed);
  world_.loop().spawn(faults_.close(), closed);
  for (const auto& stranger : site_.strangers) world_.loop().spawn(stranger->close(), closed);
  world_.run_until([&] { return open == 0; }, 24h);
  site_.store.observe({});
  site_.network.observe({});
}

DayResult Day::run() {
  plan();
  watch();
  if (site_.open()) {
    work();
  }
  close();
  return {findings_.all(), findings_.digest(),    findings_.lines(),
          world_.steps(),  letters_.all().size(), people_.promises().size()};
}

}  // namespace

DayResult run_day(std::uint64_t seed, Findings::Print print) {
  return Day(seed, print).run();
}

}  // namespace letterlock::day
