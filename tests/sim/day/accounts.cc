#include "sim/day/accounts.h"

#include <algorithm>

#include <fmt/format.h>

namespace letterlock::day {
namespace {

using queue::State;

bool is_id_octet(char octet) {
  return (octet >= '0' && octet <= '9') || (octet >= 'A' && octet <= 'Z');
}

// Served, or given up and told so; of one that stands for others, each of them. An operator's
// removal was his word (custody holds it against what he said).
bool is_served(const Books& books, const Fate& fate) {
  const bool is_told = !fate.must_be_told || fate.report.has_value() ||
                       (fate.state == State::relayed);  // by the far end (custody)
  switch (fate.state) {
    case State::delivered:
    case State::relayed:
    case State::failed:
      return is_told;
    case State::expanded:
      // Without a copy: another way had led there before (custody), and is looked at by itself.
      return is_told && (!fate.became || std::ranges::all_of(books.custody.fates_of(*fate.became),
                                                             [&](const Fate* one) {
                                                               return is_served(books, *one);
                                                             }));
    case State::removed:
      return true;
    case State::waiting:
    case State::held:
      break;
  }
  return false;
}

void check_promises(const Books& books) {
  for (const auto& promise : books.people.promises()) {
    for (const auto& recipient : promise.recipients) {
      const auto& fates = books.custody.fates_of(promise.trace);
      const auto served = std::ranges::any_of(fates, [&](const Fate* fate) {
        return fate->address == recipient && is_served(books, *fate);
      });
      if (!served)
        books.findings.broken(
            fmt::format("promise: letter {} (trace {}) was answered 250 for {}, and was "
                        "neither delivered nor reported",
                        promise.letter->number, promise.trace.text(), recipient));
    }
  }
}

// What a tenant requires stands with each of its letters.
void check_requirements(const Books& books) {
  for (const auto& fate : books.custody.fates()) {
    const auto* what = books.custody.taken(fate.trace);
    if (what == nullptr || what->letter == nullptr) continue;
    const auto required = books.people.required(*what->letter);
    if (what->requirement.level.value < required.level.value ||
        what->requirement.tls_version.value < required.tls_version.value ||
        (what->requirement.network.value == hop::NetworkNeed::any &&
         required.network.value == hop::NetworkNeed::private_))
      books.findings.broken(fmt::format("protection: {} of letter {} asks less than its tenant did",
                                        what->report_of ? "a report" : "the message",
                                        what->letter->number));
  }
}

void check_content(const Books& books, const Person& person, const std::string& content) {
  const auto trace = trace_in_header(std::string_view(content).substr(0, 4096), books.custody);
  const auto* what = trace ? books.custody.taken(*trace) : nullptr;
  if (content.find(bcc_address) != std::string::npos)
    books.findings.broken("content: a Bcc field lies in the mailbox of " + person.address);
  if (what == nullptr) {
    books.findings.broken("mailbox: " + person.address + " has a message of no trace");
  } else if (what->letter != nullptr && !what->report_of &&
             !content.ends_with(what->letter->body)) {
    books.findings.broken(fmt::format("content: letter {} lies changed in the mailbox of {}",
                                      what->letter->number, person.address));
  }
}

void check_mailbox(const Books& books, const Person& person) {
  const auto fetched = books.site.wait(books.readers.all_of(&person));
  if (!fetched) return books.findings.broken("mailbox: " + fetched.error().what);
  for (const auto& content : *fetched) check_content(books, person, content);
  const auto kept = std::ranges::count_if(
      books.custody.kept(), [&](const auto& entry) { return entry.second.account == person.id; });
  if (static_cast<std::size_t>(kept) != fetched->size())
    books.findings.broken(fmt::format("mailbox: {} fetches {} messages, {} were delivered and kept",
                                      person.address, fetched->size(), kept));
}

void check_blobs(const Books& books) {
  const auto holders = books.custody.holders();
  if (books.site.store.blob_count() != holders.size())
    books.findings.broken(fmt::format("blobs: {} in the store, {} are named",
                                      books.site.store.blob_count(), holders.size()));
  for (const auto& [blob, keys] : holders) {
    if (books.site.store.holders(blob) != keys)
      books.findings.broken(fmt::format("blobs: {} is held by {}, and named by {}", blob.text(),
                                        books.site.store.holders(blob).size(), keys.size()));
  }
}

}  // namespace

std::optional<base::TraceId> trace_in_header(std::string_view header, const Custody& custody) {
  for (std::size_t at = 0; at < header.size(); ++at) {
    if (!is_id_octet(header[at])) continue;
    auto end = at;
    while (end < header.size() && is_id_octet(header[end])) ++end;
    if (end - at == base::TraceId::text_octets) {
      const auto id = base::TraceId::parse(header.substr(at, end - at));
      if (id && custody.taken(*id) != nullptr) return *id;
    }
    at = end;
  }
  return std::nullopt;
}

void check_day(const Books& books) {
  auto& site = books.site;
  check_promises(books);
  check_requirements(books);
  site.close();
  site.store.sweep();
  for (const auto& node : site.nodes) {
    if (const auto started = node->start(); !started)
      return books.findings.broken("site: " + started.error().what);
  }
  for (const auto& person : site.people) {
    if (!person.has_left) check_mailbox(books, person);
  }
  // Outcomes of fetches are written beside the session.
  site.world.advance(std::chrono::minutes(1));
  check_blobs(books);
}

}  // namespace letterlock::day
