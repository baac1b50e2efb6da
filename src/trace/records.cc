#include "trace/records.h"

#include "base/pack.h"
#include "hop/text.h"

namespace letterlock::trace {
namespace {

using base::Packer;
using base::Unpacker;

constexpr std::uint64_t version = 1;

// Numbers that came from an enumeration. Errors: corrupt.
template <class Value>
base::Result<Value> enumerator(std::uint64_t number, Value last) {
  if (number > static_cast<std::uint64_t>(last)) {
    return base::fail(base::ErrorKind::corrupt, "a trace's record holds an unknown word");
  }
  return static_cast<Value>(number);
}

base::Result<unsigned> small(std::uint64_t number) {
  if (number > 0xFFFF'FFFF) {
    return base::fail(base::ErrorKind::corrupt, "a trace's record holds too large a number");
  }
  return static_cast<unsigned>(number);
}

template <class Value>
std::uint64_t number_of(Value value) {
  return static_cast<std::uint64_t>(value);
}

}  // namespace

Trace bounded(Trace trace) {
  const auto bound = [](std::string& text, std::size_t octets_max) {
    if (!hop::is_bounded(text, octets_max)) text = hop::bounded_text(text, octets_max);
  };
  bound(trace.message_id, message_id_octets_max);
  bound(trace.subject, subject_octets_max);
  bound(trace.mail_from, address_octets_max);
  bound(trace.header_from, address_octets_max);
  bound(trace.digest, hop::word_octets_max);
  for (Recipient& recipient : trace.recipients) bound(recipient.address, address_octets_max);
  return trace;
}

std::string pack(const Trace& trace, const hop::Hop* first) {
  Packer packer(version);
  packer.id(trace.id).id(trace.owner).text(trace.message_id).text(trace.subject);
  packer.text(trace.mail_from).text(trace.header_from).time(trace.accepted).time(trace.expires);
  packer.number(trace.octets).text(trace.digest).flag(trace.from_outside);
  packer.flag(trace.begun_again);
  packer.number(trace.recipients.size());
  for (const Recipient& recipient : trace.recipients) {
    packer.number(recipient.index).text(recipient.address).flag(recipient.hidden);
  }
  packer.text(first != nullptr ? hop::to_json(*first) : std::string());
  return packer.take();
}

namespace {

struct Head {
  Trace trace;
  std::string_view first_hop;  // its JSON; empty: none stands here
};

base::Result<Head> unpack_head(std::string_view octets) {
  Unpacker unpacker("a trace", octets);
  Head head;
  Trace& trace = head.trace;
  trace.id = unpacker.id<base::TraceId>();
  trace.owner = unpacker.id<base::TenantId>();
  trace.message_id = unpacker.text();
  trace.subject = unpacker.text();
  trace.mail_from = unpacker.text();
  trace.header_from = unpacker.text();
  trace.accepted = unpacker.time();
  trace.expires = unpacker.time();
  trace.octets = unpacker.number();
  trace.digest = unpacker.text();
  trace.from_outside = unpacker.flag();
  trace.begun_again = unpacker.flag();
  for (std::size_t left = unpacker.count(); left > 0; --left) {
    Recipient recipient;
    recipient.index = TRY(small(unpacker.number()));
    recipient.address = unpacker.text();
    recipient.hidden = unpacker.flag();
    trace.recipients.push_back(std::move(recipient));
  }
  head.first_hop = unpacker.text();
  TRY(unpacker.done(version));
  return head;
}

}  // namespace

base::Result<Trace> unpack_trace(std::string_view octets) {
  return TRY(unpack_head(octets)).trace;
}

base::Result<std::optional<hop::Hop>> unpack_first_hop(std::string_view octets) {
  const auto head = TRY(unpack_head(octets));
  if (head.first_hop.empty()) return std::nullopt;
  return TRY(hop::hop_from_json(head.first_hop));
}

base::Result<State> first_state(std::string_view head) {
  State state;
  if (TRY(unpack_head(head)).first_hop.empty()) return state;
  state.next_sequence = 2;
  state.next_number = 2;
  return state;
}

std::string pack(const State& state) {
  Packer packer(version);
  packer.number(state.next_sequence).number(state.next_number);
  packer.number(state.quiet).number(state.quiet_not_kept).number(state.fetches);
  return packer.take();
}

base::Result<State> unpack_state(std::string_view octets) {
  Unpacker unpacker("a trace's counters", octets);
  State state;
  state.next_sequence = unpacker.number();
  state.next_number = TRY(small(unpacker.number()));
  state.quiet = unpacker.number();
  state.quiet_not_kept = unpacker.number();
  state.fetches = unpacker.number();
  TRY(unpacker.done(version));
  return state;
}

std::string pack(const Fetches& fetches) {
  Packer packer(version);
  packer.number(fetches.kept).number(fetches.not_kept).number(fetches.shown.size());
  for (const auto& shown : fetches.shown) {
    packer.number(number_of(shown.level)).number(number_of(shown.network));
    packer.flag(shown.post_quantum).flag(shown.password_in_clear).flag(shown.completed);
  }
  return packer.take();
}

base::Result<Fetches> unpack_fetches(std::string_view octets) {
  Unpacker unpacker("what fetches have shown", octets);
  Fetches fetches;
  fetches.kept = unpacker.number();
  fetches.not_kept = unpacker.number();
  for (std::size_t left = unpacker.count(); left > 0; --left) {
    Fetches::Shown shown;
    shown.level = TRY(enumerator(unpacker.number(), hop::Level::local));
    shown.network = TRY(enumerator(unpacker.number(), hop::Network::public_));
    shown.post_quantum = unpacker.flag();
    shown.password_in_clear = unpacker.flag();
    shown.completed = unpacker.flag();
    fetches.shown.push_back(shown);
  }
  TRY(unpacker.done(version));
  return fetches;
}

std::string pack(const Attempts& attempts) {
  Packer packer(version);
  packer.number(number_of(attempts.given)).text(attempts.required).text(attempts.by);
  packer.text(attempts.why).number(attempts.others).number(attempts.offers.size());
  for (const auto& offer : attempts.offers) {
    packer.text(offer.host).text(offer.reason).time(offer.first).time(offer.last);
    packer.number(offer.count);
  }
  return packer.take();
}

base::Result<Attempts> unpack_attempts(std::string_view octets) {
  Unpacker unpacker("a recipient's attempts", octets);
  Attempts attempts;
  attempts.given = TRY(enumerator(unpacker.number(), hop::Given::content));
  attempts.required = unpacker.text();
  attempts.by = unpacker.text();
  attempts.why = unpacker.text();
  attempts.others = unpacker.number();
  for (std::size_t left = unpacker.count(); left > 0; --left) {
    Attempts::Offer offer;
    offer.host = unpacker.text();
    offer.reason = unpacker.text();
    offer.first = unpacker.time();
    offer.last = unpacker.time();
    offer.count = TRY(small(unpacker.number()));
    attempts.offers.push_back(std::move(offer));
  }
  TRY(unpacker.done(version));
  return attempts;
}

std::string pack(const Last& last) {
  Packer packer(version);
  packer.number(last.number).number(last.attempt).number(number_of(last.kind));
  packer.flag(last.completed).flag(last.open);
  return packer.take();
}

base::Result<Last> unpack_last(std::string_view octets) {
  Unpacker unpacker("a recipient's last hop", octets);
  Last last;
  last.number = TRY(small(unpacker.number()));
  last.attempt = TRY(small(unpacker.number()));
  last.kind = TRY(enumerator(unpacker.number(), hop::Kind::fetch));
  last.completed = unpacker.flag();
  last.open = unpacker.flag();
  TRY(unpacker.done(version));
  return last;
}

std::string pack(const Ending& ending) {
  Packer packer(version);
  packer.number(number_of(ending.kind)).text(ending.status).time(ending.time);
  return packer.take();
}

base::Result<Ending> unpack_ending(std::string_view octets) {
  Unpacker unpacker("the end of a recipient's way", octets);
  Ending ending;
  ending.kind = TRY(enumerator(unpacker.number(), Ending::Kind::went_on));
  ending.status = unpacker.text();
  ending.time = unpacker.time();
  TRY(unpacker.done(version));
  return ending;
}

std::string pack(const Link& link) {
  Packer packer(version);
  packer.number(number_of(link.relation)).id(link.trace).id(link.tenant).text(link.name);
  packer.flag(link.has_content);
  return packer.take();
}

base::Result<Link> unpack_link(std::string_view octets) {
  Unpacker unpacker("a trace's link", octets);
  Link link;
  link.relation = TRY(enumerator(unpacker.number(), Link::Relation::report_about));
  link.trace = unpacker.id<base::TraceId>();
  link.tenant = unpacker.id<base::TenantId>();
  link.name = unpacker.text();
  link.has_content = unpacker.flag();
  TRY(unpacker.done(version));
  return link;
}

std::string pack(const Open& open) {
  return Packer(version).text(open.node).id(open.told).take();
}

base::Result<Open> unpack_open(std::string_view octets) {
  Unpacker unpacker("an open intent", octets);
  Open open;
  open.node = unpacker.text();
  open.told = unpacker.id<base::TenantId>();
  TRY(unpacker.done(version));
  return open;
}

std::string pack_left(base::Time when) {
  return Packer(version).time(when).take();
}

base::Result<base::Time> unpack_left(std::string_view octets) {
  Unpacker unpacker("when a message left", octets);
  const auto when = unpacker.time();
  TRY(unpacker.done(version));
  return when;
}

std::string pack(const hop::Hop& hop) {
  Packer packer(version);
  packer.text(hop::to_json(hop));
  return packer.take();
}

base::Result<hop::Hop> unpack_hop(std::string_view octets) {
  Unpacker unpacker("a hop", octets);
  const std::string_view text = unpacker.text();
  TRY(unpacker.done(version));
  return hop::hop_from_json(text);
}

std::string pack_event(const base::TenantId& to, const hop::Hop& hop) {
  Packer packer(version);
  packer.id(to).text(hop::to_json(hop));
  return packer.take();
}

base::Result<std::pair<base::TenantId, hop::Hop>> unpack_event(std::string_view octets) {
  Unpacker unpacker("a trace's event", octets);
  const auto to = unpacker.id<base::TenantId>();
  const std::string_view text = unpacker.text();
  TRY(unpacker.done(version));
  return std::pair(to, TRY(hop::hop_from_json(text)));
}

}  // namespace letterlock::trace
