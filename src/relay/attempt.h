// One host of the next hop: its addresses in turn, a session, the judgement at every step, and
// where it says `take`, the transfer.
#pragma once

#include <variant>

#include "relay/transfer.h"
#include "relay/work.h"

namespace letterlock::relay {

class Attempt {
 public:
  Attempt(const World& world, const Work& work, const route::NextHops& hops,
          const route::Host& host, protection::Others others);

  // Errors: cancelled; the store's before any content left.
  net::ResultTask<std::variant<Trouble, Conclusion>> run();

 private:
  using End = std::variant<Trouble, Conclusion>;
  net::ResultTask<End> at(net::IpAddress address);
  net::ResultTask<End> fresh(const protection::Ask& ask);
  net::ResultTask<End> in_clear(std::string failure);
  net::ResultTask<TransferEnd> use(std::unique_ptr<Session> session);
  Trouble trouble(Failure failure) const;
  Trouble trouble(const protection::Judgement& judgement, Trouble::Next next) const;
  hop::Network network_beforehand() const;
  std::string pool_key_now() const;
  void settle_answer(Trouble& trouble) const;

  const World& world_;
  const Work& work_;
  const route::Host& host_;
  protection::Others others_;
  protection::HostFacts facts_;
  bool signs_in_ = false;
  net::IpAddress address_;  // the one that is tried
};

}  // namespace letterlock::relay
