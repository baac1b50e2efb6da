// For this room's tests: one loop, one store in memory, and calls that wait for their answer.
#pragma once

#include <functional>
#include <optional>
#include <stdexcept>

#include "mailbox/mailbox.h"
#include "net/loop.h"
#include "store/memory.h"

namespace letterlock::mailbox::test {

template <class T>
using Call = std::function<net::ResultTask<T>(store::Transaction&)>;

template <class T>
net::ResultTask<> keep(store::Transaction& tx, Call<T>& call, base::Result<T>& answer) {
  answer = co_await call(tx);
  if (!answer) co_return base::fail(answer.error());
  co_return base::Result<void>();
}

template <class T>
net::Task<> keep_task(net::ResultTask<T> task, std::optional<base::Result<T>>& answer) {
  answer = co_await std::move(task);
}

class Fixture {
 public:
  net::Loop loop;
  store::MemoryStore store;
  Owner owner{tenant_of(1), base::AccountId(octets_of(2))};
  base::Time now = base::from_milliseconds(1'795'000'000'000);

  static base::IdOctets octets_of(std::uint8_t last) {
    base::IdOctets octets{};
    octets[15] = last;
    return octets;
  }
  static base::TenantId tenant_of(std::uint8_t last) { return base::TenantId(octets_of(last)); }

  // Runs the loop until the task has its answer.
  template <class T>
  base::Result<T> wait(net::ResultTask<T> task) {
    std::optional<base::Result<T>> answer;
    loop.spawn(keep_task(std::move(task), answer));
    while (!answer)
      if (loop.poll() == 0) throw std::logic_error("a task waits for what never comes");
    return std::move(*answer);
  }

  // One transaction of the tenant's.
  template <class T>
  base::Result<T> change(Call<T> call) {
    base::Result<T> answer = base::fail(base::ErrorKind::cancelled, "never ran");
    auto done =
        wait<void>(store.transact(store::Scope::tenant(owner.tenant), [&](store::Transaction& tx) {
          return keep<T>(tx, call, answer);
        }));
    if (!done) return base::fail(done.error());
    return answer;
  }

  // A finished blob that nobody holds yet.
  base::BlobId blob(std::string octets) {
    auto writer = store.write_blob();
    const auto written = wait<void>(fill(*writer, std::move(octets)));
    return written ? writer->id() : base::BlobId();
  }
  static net::ResultTask<> fill(store::BlobWriter& writer, std::string octets) {
    CO_CHECK(co_await writer.write(octets));
    co_return co_await writer.finish();
  }

  NewMessage letter(const std::string& text, Flags flags = {}) {
    NewMessage message;
    message.blob = blob(text);
    message.blob_octets = text.size();
    message.prefix = "Return-Path: <alice@acorn.example>\r\n";
    message.flags = std::move(flags);
    message.internal_date = now;
    message.trace = base::TraceId(octets_of(9));
    message.trace_owner = tenant_of(3);
    message.content_digest = "00";
    return message;
  }

  base::Result<Delivery> deliver(NewMessage message, DeliverOptions options = {}) {
    options.now = now;
    return change<Delivery>(
        [=, this](auto& tx) { return mailbox::deliver(tx, owner, message, options); });
  }
  Stored deliver_ok(const std::string& text) {
    return std::get<Stored>(deliver(letter(text)).value());
  }
  base::Result<Mailbox> find(const std::string& name) {
    return change<Mailbox>([=, this](auto& tx) { return mailbox::find(tx, owner, name); });
  }
  base::Result<std::vector<Message>> list(Place place, Uid from = 1,
                                          std::size_t count_max = page_max) {
    return change<std::vector<Message>>(
        [=](auto& tx) { return mailbox::list(tx, place, from, count_max); });
  }
  base::Result<std::vector<Uid>> expunge(Place place, std::vector<Uid> uids) {
    const auto gone =
        change<std::vector<Message>>([=](auto& tx) { return mailbox::expunge(tx, place, uids); });
    if (!gone) return base::fail(gone.error());
    std::vector<Uid> taken;
    for (const auto& message : *gone) taken.push_back(message.uid);
    return taken;
  }
  base::Result<FlagOutcome> set_flags(Place place, std::vector<Uid> uids, FlagChange flags) {
    return change<FlagOutcome>(
        [=](auto& tx) { return mailbox::set_flags(tx, place, uids, flags); });
  }
  AccountRecord totals() {
    return change<AccountRecord>([this](auto& tx) { return account_totals(tx, owner); }).value();
  }
  base::Result<Mailbox> create(const std::string& name) {
    return change<Mailbox>([=, this](auto& tx) { return mailbox::create(tx, owner, name, now); });
  }
};

inline Flags flags_of(std::initializer_list<std::string_view> names) {
  Flags flags;
  for (const auto name : names) {
    if (!flags.add(name)) return {};
  }
  return flags;
}

}  // namespace letterlock::mailbox::test
