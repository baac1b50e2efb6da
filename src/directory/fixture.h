// For this room's tests: a platform's directory over a store in memory, with a clock moved by hand.
#pragma once

#include <functional>
#include <optional>
#include <stdexcept>

#include "directory/operations.h"
#include "directory/record.h"
#include "store/memory.h"

namespace letterlock::directory::test {

class HandClock final : public os::Clock {
 public:
  base::Time time = base::from_milliseconds(1'793'577'600'000);  // 2026-11-02
  os::Steady still{std::chrono::hours(100)};
  base::Time now() const override { return time; }
  os::Steady steady() const override { return still; }
  void pass(base::Milliseconds duration) {
    time += duration;
    still += duration;
  }
};

// Time passes only while somebody sleeps.
class HandTimers final : public net::Timers {
 public:
  explicit HandTimers(HandClock& clock) : clock_(clock) {}
  net::ResultTask<> sleep(base::Milliseconds duration) override {
    clock_.pass(duration);
    co_return base::Result<>();
  }

 private:
  HandClock& clock_;
};

class CountingRandom final : public os::Random {
 public:
  void fill(std::span<std::uint8_t> octets) override {
    for (auto& octet : octets) octet = next_++;
  }

 private:
  std::uint8_t next_ = 1;
};

// Counts what it was given to do.
class CountingWorkers final : public net::Workers {
 public:
  int runs = 0;
  net::ResultTask<> run(std::function<void()> work) override {
    ++runs;
    return inline_.run(std::move(work));
  }

 private:
  net::InlineWorkers inline_;
};

class KeptEvents final : public base::EventSink {
 public:
  std::vector<base::Event> events;
  void emit(const base::Event& event) override { events.push_back(event); }
  std::size_t count(std::string_view name) const {
    std::size_t count = 0;
    for (const auto& event : events) count += event.name == name ? 1 : 0;
    return count;
  }
};

template <class T>
net::Task<> keep(net::ResultTask<T> task, std::optional<base::Result<T>>& answer) {
  answer = co_await std::move(task);
}

inline Address at(std::string_view text) {
  return Address::parse(text).value();
}
inline Domain domain(std::string_view text) {
  return Domain::parse(text).value();
}

class Fixture {
 public:
  net::Loop loop;
  store::MemoryStore store;
  HandClock clock;
  HandTimers timers{clock};
  CountingRandom random;
  CountingWorkers workers;
  KeptEvents events;
  Directory directory{environment(), {.password_rounds = 1}};
  Operations operations{environment(), {.password_rounds = 1}};
  const std::string by = "operator";
  const net::IpAddress source = net::IpAddress::parse("192.0.2.7").value();

  Environment environment() { return {store, clock, random, workers, events, timers}; }
  template <class T>
  base::Result<T> wait(net::ResultTask<T> task) {
    std::optional<base::Result<T>> answer;
    loop.spawn(keep(std::move(task), answer));
    while (!answer)
      if (loop.poll() == 0) throw std::logic_error("a task waits for what never comes");
    return std::move(*answer);
  }

  // acorn.example with alice and carol, birch.example with bob.
  void settle() {
    for (const std::string name : {"acorn.example", "birch.example"}) {
      if (!wait(operations.add_tenant(name, by))) return;
      if (!wait(operations.add_domain(name, domain(name), by))) return;
    }
    alice = add("alice@acorn.example");
    carol = add("carol@acorn.example");
    bob = add("bob@birch.example");
  }
  Account add(std::string_view address) {
    return wait(operations.add_account(
                    {.address = at(address), .display_name = "", .password = "correct horse"}, by))
        .value();
  }
  void add_alias(std::string_view address, std::vector<Address> targets,
                 Alias::SendAs send_as = Alias::SendAs::refused) {
    wait(operations.add_alias({at(address), {}, std::move(targets), send_as}, by)).value();
  }
  // As two operators leave it who set two ends of a chain at the same time: what the operations
  // refuse.
  void put_alias(std::string_view address, std::vector<Address> targets) {
    Alias alias{at(address), {}, std::move(targets), {}};
    alias.tenant = wait(directory.is_ours(alias.address.domain())).value().value();
    wait(store.transact(store::Scope::tenant(alias.tenant), [&](auto& tx) {
      return put_list(tx, alias.tenant, alias.address, keys::alias(alias.tenant, alias.address),
                      encode(alias));
    })).value();
  }
  static net::ResultTask<> put_list(store::Transaction& tx, base::TenantId tenant, Address address,
                                    std::string key, std::string value) {
    tx.put(keys::entry(tenant, address), encode(Entry{Entry::Kind::alias, {}}));
    tx.put(std::move(key), std::move(value));
    co_return base::Result<>();
  }
  void add_group(std::string_view address, std::vector<Address> members) {
    wait(operations.add_group({at(address), {}, "", std::move(members)}, by)).value();
  }
  Resolution resolve(std::string_view address) {
    return wait(directory.resolve(at(address))).value();
  }
  // The mailbox's address, "" for none.
  std::string mailbox(std::string_view address) {
    const auto resolution = resolve(address);
    const auto* to = std::get_if<ToMailbox>(&resolution);
    return to ? to->account.address.text() : "";
  }
  Asker from() const { return {"popd", source}; }
  static Asker from(std::string_view address) {
    return {"popd", net::IpAddress::parse(address).value()};
  }
  SignIn sign_in(const std::string& login, const std::string& password) {
    return wait(directory.check_password(login, password, from())).value();
  }
  Account account(std::string_view address) {
    return wait(operations.show_account(at(address))).value();
  }
  base::Result<Account> set(std::string_view address, AccountChange change) {
    return wait(operations.set_account(at(address), std::move(change), by));
  }

  Account alice, carol, bob;
};

}  // namespace letterlock::directory::test
