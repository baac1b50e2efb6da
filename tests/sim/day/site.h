// The world of a day, without anything going wrong yet: a site of one or two nodes over one store,
// three tenants with their people, outside MTAs with their domains.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/day/impostor.h"
#include "sim/day/names_known.h"
#include "sim/day/node.h"
#include "sim/day/passwords_seen.h"
#include "sim/day/stranger.h"
#include "sim/names.h"

namespace letterlock::day {

inline constexpr std::string_view host_name = "mail.acorn.example";
inline constexpr std::string_view smart_host_password = "tree house";

struct Person {
  std::string address;
  base::AccountId id;
  std::size_t tenant = 0;
  std::string password;
  std::vector<std::string> more_addresses;
  // How he signs in: by nothing but what is bound to the channel, and his account takes nothing
  // else; so, though it would; with his password, over TLS to a server that has proved its name; as
  // it comes.
  enum class Habit { bound, proving, careful, careless } habit = Habit::careful;
  bool may_refuse = false;  // its mailbox was full or closed at some time, or may have been
  bool has_left = false;    // an operator removed the account, or is at it
};

// A tenant, and what its operator has asked to be required of its mail, and when.
struct Tenant {
  std::string name;
  base::TenantId id;
  bool clear_fetch = false;  // was ever allowed
  std::uint64_t per_hour = 300;
  std::uint64_t per_day = 2000;
  struct Asked {
    hop::Requirement requirement;
    base::Milliseconds from{0};               // it may be in force from then on
    std::optional<base::Milliseconds> until;  // and was replaced for certain by then
  };
  std::vector<Asked> asked;
};

// An outside domain: its MX hosts, best first. `strict` ones speak only under TLS, ever.
struct Domain {
  enum class Kind { usual, strict, clear, old_tls, none };
  std::string name;
  Kind kind = Kind::usual;
  std::vector<Stranger*> hosts;
  dns::Security security = dns::Security::insecure;
  bool was_lied_about = false;  // by somebody's DNS, ever
};

class Site {
 public:
  Site(sim::World& world, Findings& findings, NamesKnown& names_known, PasswordsSeen& passwords,
       Stranger::Told told);
  ~Site();  // after close()

  // Everything up and everybody there. False: that could not be, and findings says why.
  bool open();
  // Nodes first, in order.
  void close();

  // The power goes for all nodes at once, and what was not durable is kept, torn or gone.
  void power_cut(store::Unsynced unsynced);
  // Crashed nodes are buried, and those that were down long enough are started. From outside of the
  // loop, whenever needs_care().
  void care();
  bool needs_care() const;
  // How long a node stays down after a crash.
  base::Milliseconds down_for{std::chrono::seconds(5)};

  // The domain's records as they should be.
  void publish(const Domain& domain);
  // What may have been in force at some moment of this span: the weakest of each part.
  hop::Requirement weakest(std::size_t tenant, base::Milliseconds from,
                           base::Milliseconds until) const;
  bool forgets_soon() const { return forgets_soon_; }
  // A store that fails, a node that stalls or dies: what is written behind an answer may be lost.
  void trouble() { passwords.trouble(now()); }
  // By any of his addresses.
  const Person* person(std::string address) const;
  base::Milliseconds now() const { return world.schedule()->now(); }

  // Lives on until the task has its answer.
  template <class T>
  base::Result<T> wait(net::ResultTask<T> task) {
    auto result = std::make_shared<std::optional<base::Result<T>>>();
    world.loop().spawn(keep(std::move(task), result));
    world.run_until([&] { return result->has_value(); }, std::chrono::hours(24));
    if (!*result) return base::fail(base::ErrorKind::timeout, "no answer");
    return std::move(**result);
  }

  sim::World& world;
  Findings& findings;
  sim::Network network;
  sim::Names names;
  NamesKnown& names_known;
  PasswordsSeen& passwords;
  store::MemoryStore store;
  net::InlineWorkers workers;
  directory::Operations operations;  // what an operator does, on no node in particular
  sim::Tls client_tls;
  sim::Host& client;  // people's machines on the internet
  sim::Host& inside;  // and on the platform's own network
  Impostor impostor;
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<std::unique_ptr<Stranger>> strangers;
  std::vector<Domain> domains;
  std::vector<Tenant> tenants;
  std::vector<Person> people;
  std::vector<std::string> lists;  // aliases and groups
  Stranger* smart_host = nullptr;  // through which everything leaves, where there is one

 private:
  template <class T>
  static net::Task<> keep(net::ResultTask<T> task,
                          std::shared_ptr<std::optional<base::Result<T>>> result) {
    *result = co_await std::move(task);
  }
  apps::Config config(std::size_t number) const;
  void add_domain(std::string name, Domain::Kind kind, unsigned hosts);
  base::Result<> add_tenants();
  base::Result<> add_person(const std::string& address, std::size_t tenant);
  base::Result<> add_lists();
  void add_smart_host();

  Stranger::Told told_;
  sim::Random random_;
  bool forgets_soon_ = false;
  std::size_t bound_tenant_ = 0;  // whose people are all well guarded; none of them on some days
  bool is_post_quantum_ = false;  // what the site and others can, where the other end can it too
  std::vector<base::Milliseconds> down_until_;
};

}  // namespace letterlock::day
