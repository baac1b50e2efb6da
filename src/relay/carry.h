// One job: read what waits, find the next hop's hosts, try them in order. What came of it is for
// its caller to write.
#pragma once

#include "relay/conclude.h"
#include "relay/work.h"

namespace letterlock::relay {

class Carry {
 public:
  // `before`: what came of the job before, if that isn't written yet.
  Carry(const World& world, queue::Job job, std::shared_ptr<Unwritten> before) : world_(world) {
    work_.job = std::move(job);
    work_.before = std::move(before);
  }

  // Nothing: there was nothing to do any more (removed or held meanwhile).
  // Errors: the store's: the recipients stay due. denied: the lease is lost.
  net::ResultTask<std::optional<Conclusion>> run();
  const queue::Job& job() const { return work_.job; }
  // After run().
  Work take_work() { return std::move(work_); }

  // What the destination showed, for its rest.
  enum class Reached { not_tried, nobody, somebody };
  Reached reached() const { return reached_; }

 private:
  net::ResultTask<Conclusion> decide();
  net::ResultTask<Conclusion> try_hosts(route::NextHops hops);
  Conclusion without_hosts(const route::NextHops& hops) const;
  Conclusion from_troubles(std::vector<Trouble> troubles) const;

  const World& world_;
  Work work_;
  std::vector<hop::Hop> attempts_;  // ended, not written down yet
  Reached reached_ = Reached::not_tried;
};

}  // namespace letterlock::relay
