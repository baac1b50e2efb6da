#include "queue/record.h"

#include "base/pack.h"

namespace letterlock::queue {
namespace {

constexpr std::uint64_t version = 1;
constexpr std::size_t requirement_parts = 6;

// An enum out of a record; a number behind its last value makes the record bad.
template <class Enum>
Enum enumeration(base::Unpacker& in, Enum last, bool& bad) {
  const auto value = in.number();
  if (value > static_cast<std::uint64_t>(last)) {
    bad = true;
    return Enum{};
  }
  return static_cast<Enum>(value);
}

template <class Value>
void pack_part(base::Packer& out, const hop::Part<Value>& part) {
  out.number(static_cast<std::uint64_t>(part.value))
      .number(static_cast<std::uint64_t>(part.source.kind));
  out.text(part.source.name).text(part.source.reason);
}

template <class Value>
void unpack_part(base::Unpacker& in, hop::Part<Value>& part, Value last, bool& bad) {
  part.value = enumeration(in, last, bad);
  part.source.kind = enumeration(in, hop::Source::Kind::platform, bad);
  part.source.name = in.text();
  part.source.reason = in.text();
}

void pack_requirement(base::Packer& out, const hop::Requirement& requirement) {
  out.number(requirement_parts);
  pack_part(out, requirement.level);
  pack_part(out, requirement.tls_version);
  pack_part(out, requirement.network);
  pack_part(out, requirement.sealing);
  pack_part(out, requirement.fetch);
  pack_part(out, requirement.post_quantum);
}

hop::Requirement unpack_requirement(base::Unpacker& in, bool& bad) {
  hop::Requirement requirement;
  if (in.number() != requirement_parts) {
    bad = true;
    return requirement;
  }
  unpack_part(in, requirement.level, hop::Level::local, bad);
  unpack_part(in, requirement.tls_version, hop::TlsVersion::tls1_3, bad);
  unpack_part(in, requirement.network, hop::NetworkNeed::private_, bad);
  unpack_part(in, requirement.sealing, hop::Sealing::required, bad);
  unpack_part(in, requirement.fetch, hop::Fetch::protected_, bad);
  unpack_part(in, requirement.post_quantum, hop::PostQuantum::required, bad);
  return requirement;
}

auto unknown_value(std::string_view what) {
  return base::fail(base::ErrorKind::corrupt,
                    std::string(what) + ": a value that this program doesn't know");
}

}  // namespace

std::string_view name(Lane lane) {
  switch (lane) {
    case Lane::local:
      return "local";
    case Lane::remote:
      return "remote";
    case Lane::report:
      return "report";
  }
  return "unknown";
}

std::string_view name(Notice notice) {
  switch (notice) {
    case Notice::none:
      return "none";
    case Notice::failed:
      return "failed";
    case Notice::delayed:
      return "delayed";
    case Notice::delivered:
      return "delivered";
    case Notice::relayed:
      return "relayed";
    case Notice::expanded:
      return "expanded";
  }
  return "unknown";
}

namespace {

void pack_fields(base::Packer& out, const Recipient& recipient) {
  const auto& notify = recipient.params.notify;
  out.number(recipient.index).number(recipient.trace_index).text(recipient.address);
  out.text(recipient.written_to).flag(recipient.is_alone);
  out.flag(notify.given).flag(notify.success).flag(notify.failure).flag(notify.delay);
  out.text(recipient.params.original_recipient);
  out.number(static_cast<std::uint64_t>(recipient.lane)).text(recipient.destination);
  out.number(static_cast<std::uint64_t>(recipient.state))
      .time(recipient.next_try)
      .number(recipient.attempts);
  out.text(recipient.status).text(recipient.reply).text(recipient.host).time(recipient.last_try);
  out.number(static_cast<std::uint64_t>(recipient.notice)).flag(recipient.delay_told);
}

Recipient unpack_fields(base::Unpacker& in, bool& bad) {
  Recipient recipient;
  recipient.index = static_cast<unsigned>(in.number());
  recipient.trace_index = static_cast<unsigned>(in.number());
  recipient.address = in.text();
  recipient.written_to = in.text();
  recipient.is_alone = in.flag();
  recipient.params.notify.given = in.flag();
  recipient.params.notify.success = in.flag();
  recipient.params.notify.failure = in.flag();
  recipient.params.notify.delay = in.flag();
  recipient.params.original_recipient = in.text();
  recipient.lane = enumeration(in, Lane::report, bad);
  recipient.destination = in.text();
  recipient.state = enumeration(in, State::removed, bad);
  recipient.next_try = in.time();
  recipient.attempts = static_cast<unsigned>(in.number());
  recipient.status = in.text();
  recipient.reply = in.text();
  recipient.host = in.text();
  recipient.last_try = in.time();
  recipient.notice = enumeration(in, Notice::expanded, bad);
  recipient.delay_told = in.flag();
  return recipient;
}

}  // namespace

base::Result<Entry> unpack_message(std::string_view octets) {
  base::Unpacker in("queued message", octets);
  bool bad = false;
  Entry stored;
  auto& message = stored.message;
  message.id = in.id<base::MessageId>();
  message.trace = in.id<base::TraceId>();
  message.tenant = in.id<base::TenantId>();
  message.account = in.id<base::AccountId>();
  message.mail_from = in.text();
  message.blob = in.id<base::BlobId>();
  message.octets = in.number();
  message.prefix = in.text();
  message.digest = in.text();
  message.smtputf8 = in.flag();
  message.eight_bit = in.flag();
  message.params.ret = enumeration(in, dsn::Return::headers, bad);
  message.params.envid = in.text();
  message.accepted = in.time();
  message.expires = in.time();
  message.requirement = unpack_requirement(in, bad);
  message.is_report = in.flag();
  message.origin = in.id<base::TraceId>();
  message.steps = static_cast<unsigned>(in.number());
  const auto count = in.count();
  bad = bad || count > recipients_within_max;
  for (std::size_t i = 0; i < count && !bad; ++i) {
    stored.recipients.push_back(unpack_fields(in, bad));
    bad = bad || stored.recipients.back().index != i;
  }
  if (bad) return unknown_value("queued message");
  TRY(in.done(version));
  return stored;
}

std::string pack(const Message& message, const std::vector<Recipient>& within) {
  base::Packer out(version);
  out.id(message.id)
      .id(message.trace)
      .id(message.tenant)
      .id(message.account)
      .text(message.mail_from);
  out.id(message.blob)
      .number(message.octets)
      .text(message.prefix)
      .text(message.digest)
      .flag(message.smtputf8)
      .flag(message.eight_bit);
  out.number(static_cast<std::uint64_t>(message.params.ret)).text(message.params.envid);
  out.time(message.accepted).time(message.expires);
  pack_requirement(out, message.requirement);
  out.flag(message.is_report).id(message.origin).number(message.steps).number(within.size());
  for (const auto& recipient : within) pack_fields(out, recipient);
  return out.take();
}

std::string pack(const Recipient& recipient) {
  base::Packer out(version);
  pack_fields(out, recipient);
  return out.take();
}

base::Result<Recipient> unpack_recipient(std::string_view octets) {
  base::Unpacker in("queued recipient", octets);
  bool bad = false;
  auto recipient = unpack_fields(in, bad);
  TRY(in.done(version));
  if (bad) return unknown_value("queued recipient");
  return recipient;
}

std::string pack(const Left& left) {
  return base::Packer(version)
      .number(left.recipients)
      .number(left.open)
      .number(left.notices)
      .take();
}

base::Result<Left> unpack_left(std::string_view octets) {
  base::Unpacker in("what is left of a queued message", octets);
  Left left;
  left.recipients = in.number();
  left.open = in.number();
  left.notices = in.number();
  TRY(in.done(version));
  if (left.recipients > recipients_max || left.open > left.recipients ||
      left.notices > left.recipients)
    return unknown_value("what is left of a queued message");
  return left;
}

}  // namespace letterlock::queue
