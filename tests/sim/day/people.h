// The people of a day and the MTAs that bring them mail: they write, and try again as good clients
// do; an operator changes what the tenants require. They remember what they were promised.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drive/smtp_client.h"
#include "sim/day/custody.h"
#include "sim/day/readers.h"
#include "sim/day/site.h"

namespace letterlock::day {

class People {
 public:
  // Said 250, for these recipients.
  struct Promise {
    const Letter* letter = nullptr;
    base::TraceId trace;
    std::vector<std::string> recipients;
  };
  // How often things happen.
  struct Plan {
    unsigned submissions = 10;
    unsigned receptions = 5;
    unsigned readers = 6;
    unsigned requirements = 3;
    unsigned babblers = 2;
    unsigned crowds = 1;  // people of all tenants who write to one domain at the same moment
    base::Milliseconds span = std::chrono::hours(2);
  };

  People(Site& site, Letters& letters, const Custody& custody, Readers::Comes comes);

  void begin(const Plan& plan);
  // Nobody does or wants anything any more.
  bool are_done() const { return gate_.running() == 0; }
  net::Task<> close() { return gate_.close(site_.world.timers(), base::Milliseconds(0)); }

  const std::vector<Promise>& promises() const { return promises_; }
  // The weakest that may have been required of this letter when it was accepted.
  hop::Requirement required(const Letter& letter) const;
  // What this tenant may have required of it by then.
  hop::Requirement required_by(const Letter& letter, const base::TenantId& tenant,
                               base::Milliseconds until) const;

 private:
  // One try's outcome.
  struct Tried {
    smtp::Reply reply;
    std::vector<std::string> taken;  // recipients that were said yes to
  };
  // When a letter was first and last given to the platform, and by which tenant's people.
  struct Given {
    std::optional<std::size_t> tenant;
    base::Milliseconds first{0};
    std::optional<base::Milliseconds> last;  // nothing: it goes on
  };

  net::Task<> write(base::Milliseconds after, const Domain* to);
  void crowd(base::Milliseconds span);
  net::Task<> bring(base::Milliseconds after);
  net::Task<> require(base::Milliseconds after);
  net::Task<> babble(base::Milliseconds after);
  net::Task<> give(const Letter* letter, const Domain* from);
  net::ResultTask<Tried> submit(const Letter* letter);
  net::ResultTask<Tried> transfer(const Letter* letter, const Domain* from);
  net::ResultTask<Tried> transact(drive::SmtpClient& client, const Letter* letter);
  net::ResultTask<std::unique_ptr<net::Connection>> connect(sim::Host* host, std::uint16_t port);
  void promised(const Letter& letter, const Tried& tried);
  std::vector<std::string> recipients();
  std::vector<std::string> colleague(const Person& author);
  std::string any_address(const Person& person);
  drive::SmtpClientOptions any_way();
  base::Milliseconds moment(base::Milliseconds span);
  Node& any_node();

  Site& site_;
  Readers::Comes comes_;
  Letters& letters_;
  const Custody& custody_;
  sim::Random random_;
  net::Gate gate_;
  std::vector<Promise> promises_;
  std::map<unsigned, Given> given_;
};

}  // namespace letterlock::day
