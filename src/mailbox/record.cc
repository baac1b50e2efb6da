#include "mailbox/record.h"

#include <limits>

#include "base/pack.h"

namespace letterlock::mailbox {
namespace {

using base::ErrorKind;
using base::fail;
using base::Packer;
using base::Unpacker;

constexpr std::uint64_t account_version = 1;
constexpr std::uint64_t mailbox_version = 1;
constexpr std::uint64_t message_version = 2;

std::unexpected<base::Error> corrupt(std::string_view what) {
  return fail(ErrorKind::corrupt, "a stored " + std::string(what) + " holds a value out of range");
}

void pack_texts(Packer& out, const std::vector<std::string>& texts) {
  out.number(texts.size());
  for (const auto& text : texts) out.text(text);
}

std::vector<std::string> unpack_texts(Unpacker& in) {
  std::vector<std::string> texts;
  for (auto left = in.count(); left > 0 && !in.bad(); --left) texts.emplace_back(in.text());
  return texts;
}

template <class Small>
bool fits(std::uint64_t value) {
  return value <= std::numeric_limits<Small>::max();
}

}  // namespace

std::string_view name(SpecialUse use) {
  switch (use) {
    case SpecialUse::none:
      return "";
    case SpecialUse::archive:
      return "\\Archive";
    case SpecialUse::drafts:
      return "\\Drafts";
    case SpecialUse::junk:
      return "\\Junk";
    case SpecialUse::sent:
      return "\\Sent";
    case SpecialUse::trash:
      return "\\Trash";
  }
  return "";
}

std::string encode(const AccountRecord& record) {
  Packer out(account_version);
  out.number(record.octets).number(record.messages).number(record.mailboxes);
  out.number(record.subscriptions).number(record.uid_validity_last).flag(record.removing);
  return out.take();
}

base::Result<AccountRecord> decode_account(std::string_view octets) {
  Unpacker in("mailbox account", octets);
  AccountRecord record;
  record.octets = in.number();
  record.messages = in.number();
  record.mailboxes = in.number();
  record.subscriptions = in.number();
  const auto uid_validity = in.number();
  record.removing = in.flag();
  TRY(in.done(account_version));
  if (!fits<UidValidity>(uid_validity)) return corrupt("mailbox account");
  record.uid_validity_last = static_cast<UidValidity>(uid_validity);
  return record;
}

std::string encode(const MailboxRecord& record) {
  Packer out(mailbox_version);
  out.number(record.uid_validity).number(record.uid_next).number(record.modseq_highest);
  out.number(record.messages).number(record.unseen).number(record.deleted).number(record.octets);
  out.number(record.tombstones).number(record.tombstones_forgotten);
  out.number(static_cast<std::uint64_t>(record.special_use));
  pack_texts(out, record.keywords);
  out.flag(record.removed);
  return out.take();
}

base::Result<MailboxRecord> decode_mailbox(std::string_view octets) {
  Unpacker in("mailbox", octets);
  MailboxRecord record;
  const auto uid_validity = in.number();
  const auto uid_next = in.number();
  record.modseq_highest = in.number();
  record.messages = in.number();
  record.unseen = in.number();
  record.deleted = in.number();
  record.octets = in.number();
  record.tombstones = in.number();
  record.tombstones_forgotten = in.number();
  const auto special_use = in.number();
  record.keywords = unpack_texts(in);
  record.removed = in.flag();
  TRY(in.done(mailbox_version));
  const bool ok = fits<UidValidity>(uid_validity) && fits<Uid>(uid_next) && uid_next > 0 &&
                  special_use <= static_cast<std::uint64_t>(SpecialUse::trash) &&
                  record.keywords.size() <= keywords_per_mailbox_max;
  if (!ok) return corrupt("mailbox");
  record.uid_validity = static_cast<UidValidity>(uid_validity);
  record.uid_next = static_cast<Uid>(uid_next);
  record.special_use = static_cast<SpecialUse>(special_use);
  return record;
}

std::string encode(const Message& message) {
  Packer out(message_version);
  out.id(message.blob).number(message.blob_octets).text(message.prefix);
  out.number(message.flags.system());
  pack_texts(out, message.flags.keywords());
  out.number(message.modseq).time(message.internal_date);
  out.id(message.trace).id(message.trace_owner).number(message.recipients.size());
  for (const auto recipient : message.recipients) out.number(recipient);
  out.text(message.content_digest).text(message.protected_fetch_for);
  return out.take();
}

base::Result<Message> decode_message(Uid uid, std::string_view octets) {
  Unpacker in("mailbox message", octets);
  Message message;
  message.uid = uid;
  message.blob = in.id<base::BlobId>();
  message.blob_octets = in.number();
  message.prefix = in.text();
  const auto system = in.number();
  const auto keywords = unpack_texts(in);
  message.modseq = in.number();
  message.internal_date = in.time();
  message.trace = in.id<base::TraceId>();
  message.trace_owner = in.id<base::TenantId>();
  bool fit = true;
  for (auto left = in.count(); left > 0; --left) {
    const auto recipient = in.number();
    fit = fit && fits<unsigned>(recipient);
    message.recipients.push_back(static_cast<unsigned>(recipient));
  }
  message.content_digest = in.text();
  message.protected_fetch_for = in.text();
  TRY(in.done(message_version));
  if (!fits<std::uint8_t>(system) || !fit) return corrupt("mailbox message");
  auto flags = Flags::make(static_cast<std::uint8_t>(system), keywords);
  if (!flags) return corrupt("mailbox message");
  message.flags = std::move(*flags);
  return message;
}

}  // namespace letterlock::mailbox
