#include "directory/openings.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/pack.h"
#include "directory/lookup.h"
#include "directory/record.h"
#include "directory/restores.h"

namespace letterlock::directory {
namespace {

constexpr std::uint64_t version = 1;

// Covers both, and the time between.
Opening joined(const Opening& a, const Opening& b) {
  return {a.how, std::max(a.network, b.network), std::min(a.first, b.first),
          std::max(a.last, b.last), std::max(a.closed, b.closed)};
}

void keep_bounded(std::vector<Opening>& openings, Opening::How how) {
  while (true) {
    std::vector<std::size_t> closed;  // oldest first, as they stand
    for (std::size_t at = 0; at < openings.size(); ++at)
      if (openings[at].how == how && openings[at].closed) closed.push_back(at);
    if (closed.size() <= openings_closed_max) return;
    openings[closed[0]] = joined(openings[closed[0]], openings[closed[1]]);
    openings.erase(openings.begin() + static_cast<std::ptrdiff_t>(closed[1]));
  }
}

std::string_view words(Opening::How how) {
  switch (how) {
    case Opening::How::in_clear:
      return "signed in without TLS: whoever listened has the password or had the session";
    case Opening::How::unbound:
      return "signed in over TLS that the client may not have verified: whoever interfered has the "
             "password or had the session";
    case Opening::How::recordable:
      return "the password crossed in TLS that a quantum computer could open later";
    case Opening::How::by_program:
      return "a program on this machine signed in: whoever was on its users' way to it may have "
             "the password";
    case Opening::How::unrecorded:
      return "the store was restored, and the sign-ins before that are not recorded: somebody may "
             "have seen the password";
  }
  return "";
}

void remember(std::vector<FormerPassword>& all, FormerPassword former) {
  const auto same = std::ranges::find(all, former.keys, &FormerPassword::keys);
  if (same != all.end()) {
    for (const auto& open : same->open)
      if (std::ranges::find(former.open, open) == former.open.end()) former.open.push_back(open);
    all.erase(same);
  }
  all.push_back(std::move(former));
  if (all.size() <= former_passwords_max) return;
  const auto unknown =
      std::ranges::find_if(all, [](const FormerPassword& one) { return one.open.empty(); });
  all.erase(unknown == all.end() ? all.begin() : unknown);
}

std::string_view words(hop::Network network) {
  return network == hop::Network::private_ ? "the operator's own network" : "a public network";
}

}  // namespace

std::vector<Opening::How> opened_by(const Road& road, Shown shown) {
  if (road.network == hop::Network::local) return {Opening::How::by_program};
  if (!road.tls) return {Opening::How::in_clear};
  if (shown == Shown::password && !road.post_quantum)
    return {Opening::How::unbound, Opening::How::recordable};
  return {Opening::How::unbound};
}

std::string_view name(Opening::How how) {
  switch (how) {
    case Opening::How::in_clear:
      return "in-clear";
    case Opening::How::unbound:
      return "unbound";
    case Opening::How::recordable:
      return "recordable";
    case Opening::How::by_program:
      return "by-program";
    case Opening::How::unrecorded:
      return "unrecorded";
  }
  return "";
}

std::string describe(const Opening& opening) {
  const bool is_known =
      opening.how != Opening::How::unrecorded && opening.how != Opening::How::by_program;
  return fmt::format("{}; {}from {} to {}{}", words(opening.how),
                     is_known ? fmt::format("over {}, ", words(opening.network)) : "",
                     base::to_rfc3339(opening.first), base::to_rfc3339(opening.last),
                     opening.closed ? "; over since the password became another one on " +
                                          base::to_rfc3339(*opening.closed)
                                    : "; open until the password is another one");
}

Noted note(std::vector<Opening>& openings, Opening::How how, hop::Network network, base::Time now) {
  const auto open = std::ranges::find_if(
      openings, [&](const Opening& opening) { return opening.how == how && !opening.closed; });
  if (open == openings.end()) {
    openings.push_back({how, network, now, now, std::nullopt});
    return Noted::first;
  }
  const bool wider = network > open->network;
  const bool due = now - open->last >= opening_written_again;
  // A clock that was set back: what is opened began earlier.
  const bool earlier = now < open->first;
  if (!wider && !due && !earlier) return Noted::nothing;
  open->network = std::max(open->network, network);
  open->first = std::min(open->first, now);
  open->last = std::max(open->last, now);
  return wider ? Noted::first : Noted::later;
}

void note_former(std::vector<Opening>& openings, Opening::How how, hop::Network network,
                 base::Time now) {
  // Before what is open now, so that the closed ones stand in the order of time.
  const auto open = std::ranges::find_if(
      openings, [&](const Opening& opening) { return !opening.closed.has_value(); });
  openings.insert(open, {how, network, now, now, now});
  keep_bounded(openings, how);
}

void close_all(Openings& row, const sasl::ScramKeys& keys, base::Time now) {
  auto& openings = row.all;
  FormerPassword former{keys, {}};
  for (auto& opening : openings) {
    if (opening.closed) continue;
    opening.closed = std::max(now, opening.last);
    former.open.push_back({opening.how, opening.network});
  }
  remember(row.former, std::move(former));
  for (const auto how : {Opening::How::in_clear, Opening::How::unbound, Opening::How::recordable,
                         Opening::How::by_program, Opening::How::unrecorded})
    keep_bounded(openings, how);
}

bool note_shown(std::vector<FormerPassword>& former, const sasl::ScramKeys& keys,
                FormerPassword::Open open) {
  const auto shown = std::ranges::find(former, keys, &FormerPassword::keys);
  if (shown == former.end()) return false;
  if (std::ranges::find(shown->open, open) != shown->open.end()) return false;
  shown->open.push_back(open);
  return true;
}

bool is_any_open(const std::vector<Opening>& openings) {
  return std::ranges::any_of(openings, [](const Opening& opening) { return !opening.closed; });
}

std::string encode(const Openings& row) {
  base::Packer out(version);
  out.number(row.all.size());
  for (const auto& opening : row.all) {
    out.number(static_cast<std::uint64_t>(opening.how));
    out.number(static_cast<std::uint64_t>(opening.network));
    out.time(opening.first).time(opening.last);
    out.flag(opening.closed.has_value()).time(opening.closed.value_or(base::Time()));
  }
  out.number(row.former.size());
  for (const auto& former : row.former) {
    out.text(sasl::to_text(former.keys)).number(former.open.size());
    for (const auto& open : former.open)
      out.number(static_cast<std::uint64_t>(open.how))
          .number(static_cast<std::uint64_t>(open.network));
  }
  return out.take();
}

base::Result<Openings> decode_openings(std::string_view octets) {
  base::Unpacker in("sign-ins of an account", octets);
  Openings row;
  bool known = true;
  const auto how_from = [&known](std::uint64_t number) {
    known = known && number <= static_cast<std::uint64_t>(Opening::How::unrecorded);
    return static_cast<Opening::How>(number);
  };
  const auto network_from = [&known](std::uint64_t number) {
    known = known && number <= static_cast<std::uint64_t>(hop::Network::public_);
    return static_cast<hop::Network>(number);
  };
  for (auto left = in.count(); left > 0 && !in.bad(); --left) {
    Opening opening;
    const auto how = in.number();
    const auto network = in.number();
    opening.first = in.time();
    opening.last = in.time();
    const bool closed = in.flag();
    const auto when = in.time();
    if (closed) opening.closed = when;
    opening.how = how_from(how);
    opening.network = network_from(network);
    row.all.push_back(opening);
  }
  std::vector<std::string_view> keys;
  for (auto left = in.count(); left > 0 && !in.bad(); --left) {
    keys.push_back(in.text());
    FormerPassword former;
    for (auto open = in.count(); open > 0 && !in.bad(); --open) {
      const auto how = how_from(in.number());
      former.open.push_back({how, network_from(in.number())});
    }
    row.former.push_back(std::move(former));
  }
  TRY(in.done(version));
  for (std::size_t at = 0; at < keys.size(); ++at)
    row.former[at].keys = TRY(sasl::keys_from_text(keys[at]));
  if (!known)
    return base::fail(base::ErrorKind::corrupt,
                      "the stored sign-ins of an account hold a value out of range");
  return row;
}

net::ResultTask<Openings> openings_row(store::Transaction& tx, base::TenantId tenant,
                                       Address address) {
  CO_TRY(const auto octets, co_await tx.get(keys::openings(tenant, address)));
  if (!octets) co_return Openings();
  CO_TRY(auto found, decode_openings(*octets));
  co_return found;
}

net::ResultTask<std::vector<Opening>> openings(store::Transaction& tx, base::TenantId tenant,
                                               Address address) {
  CO_TRY(auto row, co_await openings_row(tx, tenant, address));
  CO_TRY(const auto entry, co_await find_entry(tx, tenant, address));
  if (!entry || entry->kind != Entry::Kind::account) co_return std::move(row.all);
  CO_TRY(const auto account, co_await find_account(tx, tenant, entry->account));
  if (!account) co_return std::move(row.all);
  CO_TRY(const auto lost, co_await unrecorded(tx, account->restores));
  row.all.insert(row.all.end(), lost.begin(), lost.end());
  co_return std::move(row.all);
}

net::ResultTask<std::vector<Opening::How>> record(store::Transaction& tx, SignInFact fact) {
  CO_TRY(const auto account, co_await find_account(tx, fact.tenant, fact.account));
  CO_TRY(auto row, co_await openings_row(tx, fact.tenant, fact.address));
  auto& all = row.all;
  std::vector<Opening::How> first;
  bool changed = false;
  // The password may have become another one since it was checked.
  const bool is_current = account && account->keys == fact.keys;
  for (const auto how : fact.hows) {
    if (!is_current) {
      if (fact.was_right) note_former(all, how, fact.network, fact.time);
      const bool is_former = note_shown(row.former, fact.keys, {how, fact.network});
      changed = changed || fact.was_right || is_former;
      continue;
    }
    const auto noted = note(all, how, fact.network, fact.time);
    changed = changed || noted != Noted::nothing;
    if (noted == Noted::first) first.push_back(how);
  }
  if (changed) tx.put(keys::openings(fact.tenant, fact.address), encode(row));
  co_return first;
}

net::ResultTask<> close_openings(store::Transaction& tx, const Account& account, base::Time now) {
  CO_TRY(auto row, co_await openings_row(tx, account.tenant, account.address));
  CO_TRY(const auto lost, co_await unrecorded(tx, account.restores));
  row.all.insert(row.all.end(), lost.begin(), lost.end());
  close_all(row, account.keys, now);
  tx.put(keys::openings(account.tenant, account.address), encode(row));
  co_return base::Result<>();
}

net::ResultTask<> open_again(store::Transaction& tx, const Account& account,
                             std::vector<FormerPassword::Open> open, base::Time now) {
  CO_TRY(auto row, co_await openings_row(tx, account.tenant, account.address));
  // What was noted of it since `open` was read.
  const auto same = std::ranges::find(row.former, account.keys, &FormerPassword::keys);
  if (same != row.former.end()) open.insert(open.end(), same->open.begin(), same->open.end());
  if (open.empty()) co_return base::Result<>();
  for (const auto& one : open) {
    const auto lost = std::ranges::find(row.all, Opening::How::unrecorded, &Opening::how);
    if (one.how != Opening::How::unrecorded || lost == row.all.end()) {
      note(row.all, one.how, one.network, now);
      continue;
    }
    // Nothing is known of when it was shown but that the store was restored then.
    auto again = *lost;
    again.closed.reset();
    if (std::ranges::find(row.all, again) == row.all.end()) row.all.push_back(again);
  }
  tx.put(keys::openings(account.tenant, account.address), encode(row));
  co_return base::Result<>();
}

}  // namespace letterlock::directory
