// The simulated DNS: a table of zones that tests fill and change while the world runs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/resolver.h"
#include "sim/world.h"

namespace letterlock::sim {

class Names final : public dns::Resolver {
 public:
  enum class Failure {
    timeout,   // no answer, told after 30 s
    servfail,  // unavailable
    bogus,     // denied
  };
  enum class Type { mx, addresses, txt, tlsa, ptr };

  explicit Names(World& world);

  // Names in no zone don't exist. A name belongs to the longest zone that ends it.
  void zone(std::string_view name, dns::Security security);
  // These add a record; the name exists from then on.
  void mx(std::string_view name, std::uint16_t preference, std::string_view host);
  // "192.0.2.1"; the text is a test's own, so a wrong one is a bug.
  void address(std::string_view name, std::string_view address);
  void txt(std::string_view name, std::string_view text);
  void tlsa(std::string_view name, dns::TlsaRecord record);
  void cname(std::string_view name, std::string_view target);
  // What the address's own zone calls it; any number of names.
  void reverse(std::string_view address, std::string_view name);
  // All records of the name go.
  void erase(std::string_view name);
  // Questions for the name fail from now on: of one type, or of all. Without a failure they don't.
  void fail(std::string_view name, std::optional<Type> type, std::optional<Failure> failure);
  // A failure that may befall any question, in thousandths.
  void fail_sometimes(unsigned in_thousand) { fail_in_thousand_ = in_thousand; }
  void time_to_live(base::Milliseconds duration) { time_to_live_ = duration; }
  // How many questions were asked so far.
  std::uint64_t questions() const { return questions_; }

  net::ResultTask<dns::Answer<dns::Mx>> mx(std::string name) override;
  net::ResultTask<dns::Answer<net::IpAddress>> addresses(std::string name) override;
  net::ResultTask<dns::Answer<std::string>> txt(std::string name) override;
  net::ResultTask<dns::Answer<dns::TlsaRecord>> tlsa(std::string name) override;
  net::ResultTask<dns::Answer<std::string>> ptr(std::string name) override;

 private:
  struct Node {
    std::vector<dns::Mx> mx;
    std::vector<net::IpAddress> addresses;
    std::vector<std::string> txt;
    std::vector<dns::TlsaRecord> tlsa;
    std::vector<std::string> ptr;
    std::string cname;
  };
  template <class Record>
  net::ResultTask<dns::Answer<Record>> ask(std::string name, Type type,
                                           std::vector<Record> Node::* records);
  template <class Record>
  base::Result<dns::Answer<Record>> look_up(std::string name,
                                            std::vector<Record> Node::* records) const;
  Node& node(std::string_view name);
  bool exists(const std::string& name) const;
  dns::Security security(std::string_view name) const;

  std::shared_ptr<Schedule> schedule_;
  Random random_;
  std::map<std::string, Node, std::less<>> nodes_;
  std::map<std::string, dns::Security, std::less<>> zones_;
  std::map<std::pair<std::string, std::optional<Type>>, Failure> failures_;
  unsigned fail_in_thousand_ = 0;
  base::Milliseconds time_to_live_ = std::chrono::minutes(5);
  std::uint64_t questions_ = 0;
};

}  // namespace letterlock::sim
