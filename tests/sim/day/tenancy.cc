#include "sim/day/tenancy.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace letterlock::day {
namespace {

// The room's letter, its kind's where only that tells what is done with it.
struct Touched {
  std::set<char> read;
  std::set<char> written;
};

void note(std::map<base::TenantId, Touched>& all, std::string_view key, bool is_written) {
  const auto tenant = tenant_of_key(key);
  if (!tenant) return;
  const auto behind = behind_scope(key);
  auto& touched = all[*tenant];
  (is_written ? touched.written : touched.read).insert(behind.empty() ? '*' : behind.front());
}

bool is_within(const std::set<char>& rooms, std::string_view allowed) {
  return std::ranges::all_of(
      rooms, [&](char room) { return allowed.find(room) != std::string_view::npos; });
}

// Mailbox and trace, and nothing else; or a list's own copy, put into a queue that isn't read. With
// either: who was served already (o).
bool is_delivered_into(const Touched& touched) {
  return (is_within(touched.read, "mxo") && is_within(touched.written, "mxo")) ||
         (is_within(touched.read, "xo") && is_within(touched.written, "qxo"));
}

// Mail from outside for several tenants: put into the queue and the traces of each, none of which
// is read.
bool is_taken_in(const Touched& touched) {
  return touched.read.empty() && is_within(touched.written, "qx");
}

}  // namespace

void Tenancy::touched(const store::Reads& reads, const store::Changes& changes) {
  std::map<base::TenantId, Touched> all;
  for (const auto& key : reads.keys) note(all, key, false);
  for (const auto& range : reads.ranges) {
    note(all, range.first, false);
    // A range that ends with another tenant has read all between.
    if (tenant_of_key(range.first) != tenant_of_key(range.end))
      findings_.broken("tenants: a scan goes over the border of a tenant");
  }
  for (const auto& [key, value] : changes.keys) note(all, key, true);
  if (all.size() < 2) return;
  if (std::ranges::all_of(all, [](const auto& one) { return is_taken_in(one.second); })) return;
  std::size_t into = 0;
  std::size_t senders = 0;
  for (const auto& [tenant, touched] : all) {
    ++(is_delivered_into(touched) ? into : senders);
  }
  if (all.size() > 2 || into != 1 || senders != 1)
    findings_.broken(
        fmt::format("tenants: one transaction touches {} tenants, and is no delivery", all.size()));
}

void Tenancy::committed(const Commit& commit) {
  for (const auto& row : commit.traces) {
    if (!row.value || row.value->owner == row.tenant) continue;
    for (const auto& recipient : row.value->recipients) {
      if (!recipient.address.empty() && !concerns_(recipient.address, row.tenant))
        findings_.broken(fmt::format("tenants: the copy of {} names {}, who is another tenant's",
                                     row.id.text(), recipient.address));
    }
  }
}

}  // namespace letterlock::day
