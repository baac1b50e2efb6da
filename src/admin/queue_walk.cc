#include "admin/queue_walk.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "admin/values.h"

namespace letterlock::admin {
namespace {

using base::ErrorKind;
using base::fail;

// A tenant with nothing in its queue costs a look as well.
constexpr std::size_t recipients_of_a_look = 10;

std::string_view next_word(std::string_view& text) {
  const auto word = text.substr(0, std::min(text.find('/'), text.size()));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

net::ResultTask<> read_in(store::Transaction& transaction, base::TenantId tenant,
                          queue::ListOptions options, queue::ListPage& page) {
  CO_TRY(page, co_await queue::list(transaction, tenant, options));
  co_return base::Result<>();
}

}  // namespace

std::string to_text(const QueuePlace& place) {
  return fmt::format("{}/{}/{}", place.tenant.text(), place.at.message.text(), place.at.recipient);
}

base::Result<QueuePlace> queue_place_in(std::string_view text) {
  QueuePlace place;
  place.tenant = TRY(base::TenantId::parse(next_word(text)));
  place.at.message = TRY(base::MessageId::parse(next_word(text)));
  const auto* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, place.at.recipient);
  if (error != std::errc() || at != end)
    return fail(ErrorKind::invalid, "a place in the queue is given as `next` said it");
  return place;
}

bool QueueFilter::fits(const queue::Message& of, const queue::Recipient& recipient,
                       base::Time now) const {
  if (queue::is_final(recipient.state)) return false;
  if (message && of.id != *message) return false;
  if (!domain.empty() && recipient.destination != domain) return false;
  if (state && recipient.state != *state) return false;
  return now - of.accepted >= age_min;
}

net::ResultTask<QueueFilter> queue_filter_of(const Ports& ports, Arguments arguments) {
  QueueFilter filter;
  if (const auto tenant = arguments.maybe("tenant")) {
    CO_TRY(const auto found, co_await ports.operations.show_tenant(*tenant));
    filter.tenants = {found.id};
  } else {
    CO_TRY(filter.tenants, co_await ports.tenants());
  }
  if (const auto text = arguments.maybe("id")) {
    CO_TRY(filter.message, base::MessageId::parse(*text));
  }
  if (const auto text = arguments.maybe("domain")) {
    CO_TRY(const auto domain, domain_of(*text));
    filter.domain = domain.text();
  }
  if (const auto text = arguments.maybe("older")) {
    CO_TRY(filter.age_min, base::parse_duration(*text));
  }
  if (const auto text = arguments.maybe("state")) {
    filter.state = queue::state_from(*text);
    if (!filter.state || queue::is_final(*filter.state))
      co_return fail(ErrorKind::invalid, "the state is waiting or held");
  }
  if (const auto text = arguments.maybe("after")) {
    CO_TRY(const auto place, queue_place_in(*text));
    filter.from = place;
    if (std::ranges::find(filter.tenants, place.tenant) == filter.tenants.end())
      co_return fail(ErrorKind::invalid,
                     "the tenant that --after names isn't there any more: begin again without it");
  }
  co_return filter;
}

QueueWalk::QueueWalk(const Ports& ports, QueueFilter filter, WalkLimits limits)
    : ports_(ports),
      filter_(std::move(filter)),
      limits_(limits),
      now_(ports.clock.now()),
      until_(ports.clock.steady() + limits.time_max) {
  if (filter_.from) {
    const auto& tenants = filter_.tenants;
    tenant_ = static_cast<std::size_t>(std::ranges::find(tenants, filter_.from->tenant) -
                                       tenants.begin());
    at_ = filter_.from->at;
  } else if (filter_.message) {
    at_ = {*filter_.message, 0};
  }
}

bool QueueWalk::is_at_limit() const {
  return looked_at_ >= limits_.recipients_max || ports_.clock.steady() >= until_;
}

std::optional<QueuePlace> QueueWalk::place() const {
  if (tenant_ >= filter_.tenants.size()) return std::nullopt;
  return QueuePlace{filter_.tenants[tenant_], at_};
}

net::ResultTask<queue::ListPage> QueueWalk::read_page() {
  const auto tenant = filter_.tenants[tenant_];
  queue::ListOptions options;
  options.from = at_;
  options.recipients_max = limits_.page_recipients_max;
  options.count_max = filter_.message ? 1 : limits_.page_recipients_max;
  queue::ListPage page;
  CO_CHECK(co_await ports_.store.read(store::Scope::tenant(tenant),
                                      [&](store::Transaction& transaction) {
                                        return read_in(transaction, tenant, options, page);
                                      }));
  co_return page;
}

// Of one message nothing is looked for behind it.
void QueueWalk::go_on(const std::optional<queue::ListPlace>& next) {
  if (next && (!filter_.message || next->message == *filter_.message)) {
    at_ = *next;
    return;
  }
  ++tenant_;
  at_ = filter_.message ? queue::ListPlace{*filter_.message, 0} : queue::ListPlace();
}

net::ResultTask<std::optional<QueueWalk::Part>> QueueWalk::next() {
  while (tenant_ < filter_.tenants.size() && !is_at_limit()) {
    CO_TRY(auto page, co_await read_page());
    Part part{filter_.tenants[tenant_], std::move(page.entries)};
    looked_at_ += recipients_of_a_look;
    for (auto& entry : part.entries) {
      looked_at_ += entry.recipients.size();
      std::erase_if(entry.recipients, [&](const queue::Recipient& recipient) {
        return !filter_.fits(entry.message, recipient, now_);
      });
    }
    std::erase_if(part.entries, [](const queue::Entry& entry) { return entry.recipients.empty(); });
    go_on(page.next);
    if (!part.entries.empty()) co_return std::optional(std::move(part));
  }
  co_return std::optional<Part>();
}

}  // namespace letterlock::admin
