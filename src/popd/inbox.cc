#include "popd/inbox.h"

#include <algorithm>
#include <limits>

#include "mailbox/content.h"
#include "popd/asking.h"
#include "trace/trace.h"

namespace letterlock::popd {
namespace {

using base::ErrorKind;
using mailbox::Message;

// A page of messages with the longest prefixes is 200 KiB.
constexpr std::size_t page_messages = 100;
constexpr std::size_t piece_octets = 32 * 1024;  // PopContent's limit

net::ResultTask<std::optional<mailbox::Mailbox>> find_inbox(store::Transaction& tx,
                                                            mailbox::Owner owner) {
  auto found = co_await mailbox::find(tx, owner, std::string(mailbox::inbox));
  if (!found && found.error().kind == ErrorKind::not_found) co_return std::nullopt;
  if (!found) co_return base::fail(std::move(found.error()));
  co_return std::move(*found);
}

net::ResultTask<std::vector<Message>> page(store::Transaction& tx, mailbox::Place place,
                                           mailbox::Uid from) {
  auto messages = co_await mailbox::list(tx, place, from, page_messages);
  // INBOX was renamed since: it is empty then.
  if (!messages && messages.error().kind == ErrorKind::not_found) co_return std::vector<Message>();
  co_return messages;
}

// What was taken out is noted in the messages' traces: what happens to the account later is of no
// concern to them.
net::ResultTask<std::size_t> take_out(store::Transaction& tx, mailbox::Place place,
                                      std::vector<mailbox::Uid> uids, base::Time now) {
  CO_TRY(const auto gone, co_await mailbox::expunge(tx, place, std::move(uids)));
  for (const auto& message : gone) {
    CO_CHECK(
        co_await trace::put_left(tx, place.owner.tenant, message.trace, place.owner.account, now));
  }
  co_return gone.size();
}

class Content final : public drive::PopContent {
 public:
  Content(store::Store& store, const Message& message) : reader_(store, message) {}
  net::ResultTask<base::Bytes> next() override {
    CO_TRY(auto octets, co_await reader_.read(position_, piece_octets));
    position_ += octets.size();
    co_return std::move(octets);
  }

 private:
  mailbox::ContentReader reader_;
  std::uint64_t position_ = 0;
};

}  // namespace

net::ResultTask<Inbox> load_inbox(store::Store& store, mailbox::Owner owner) {
  CO_TRY(const auto found, co_await ask<std::optional<mailbox::Mailbox>>(
                               store, owner.tenant,
                               [owner](store::Transaction& tx) { return find_inbox(tx, owner); }));
  if (!found) co_return Inbox{std::nullopt, pop::Maildrop("0")};
  const auto place = found->place;
  Inbox inbox{place, pop::Maildrop(std::to_string(found->record.uid_validity))};
  // The oldest ones wait until newer ones are gone.
  auto skipped =
      found->record.messages - std::min<std::uint64_t>(found->record.messages, pop::messages_max);
  mailbox::Uid from = 1;
  while (true) {
    CO_TRY(const auto messages, co_await ask<std::vector<Message>>(
                                    store, owner.tenant, [place, from](store::Transaction& tx) {
                                      return page(tx, place, from);
                                    }));
    for (const auto& message : messages) {
      if (skipped > 0) {
        --skipped;
      } else if (!inbox.maildrop.add(message.uid, message.octets())) {
        co_return std::move(inbox);
      }
    }
    if (messages.size() < page_messages ||
        messages.back().uid == std::numeric_limits<mailbox::Uid>::max())
      break;
    from = messages.back().uid + 1;
  }
  co_return std::move(inbox);
}

net::ResultTask<Message> find_message(store::Store& store, mailbox::Place place, mailbox::Uid uid) {
  CO_TRY(auto found, co_await ask<std::optional<Message>>(store, place.owner.tenant,
                                                          [place, uid](store::Transaction& tx) {
                                                            return mailbox::get(tx, place, uid);
                                                          }));
  if (!found) co_return base::fail(ErrorKind::not_found, "the message was expunged meanwhile");
  co_return std::move(*found);
}

std::unique_ptr<drive::PopContent> read_content(store::Store& store, const Message& message) {
  return std::make_unique<Content>(store, message);
}

net::ResultTask<> expunge(store::Store& store, mailbox::Place place, std::vector<mailbox::Uid> uids,
                          base::Time now) {
  for (std::size_t at = 0; at < uids.size(); at += mailbox::uids_max) {
    const auto end = std::min(at + mailbox::uids_max, uids.size());
    const std::vector<mailbox::Uid> batch(uids.begin() + static_cast<std::ptrdiff_t>(at),
                                          uids.begin() + static_cast<std::ptrdiff_t>(end));
    const auto done = co_await change<std::size_t>(
        store, place.owner.tenant,
        [place, batch, now](store::Transaction& tx) { return take_out(tx, place, batch, now); });
    // With the mailbox everything in it is gone.
    if (!done && done.error().kind != ErrorKind::not_found) co_return base::fail(done.error());
  }
  co_return base::Result<>();
}

}  // namespace letterlock::popd
