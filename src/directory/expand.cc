// Through aliases and groups to where mail ends up: breadth first, each address once.
#include <deque>
#include <set>

#include "directory/directory.h"

namespace letterlock::directory {
namespace {

using Through = Expansion::Through;
using Why = Expansion::Dropped::Why;

struct Step {
  Address address;
  std::size_t depth = 0;
  Through through = Through::nothing;
};

// The state of one expansion: what is still to look at, and what was seen.
struct Walk {
  std::deque<Step> ahead;
  std::set<std::string> seen;  // addresses, then accounts that have a leaf
  bool came_back = false;      // a step led to where the walk had been
  Expansion result;

  void add_leaf(const Step& step, std::optional<Account> account) {
    if (account && !seen.insert("account " + account->id.text()).second) return;
    if (result.leaves.size() >= group_members_max) {
      result.too_many = true;
      return;
    }
    result.leaves.push_back({step.address, std::move(account), step.through});
  }
  void drop(const Step& step, Why why) { result.dropped.push_back({step.address, why}); }
  void follow(const Step& step, const std::vector<Address>& to, Through through) {
    if (step.depth >= expansion_depth_max) return drop(step, Why::too_deep);
    for (const auto& address : to) {
      if (!seen.insert(address.key()).second) {
        came_back = true;
        continue;
      }
      ahead.push_back(
          {address, step.depth + 1, step.through == Through::group ? Through::group : through});
    }
  }
};

struct Take {
  Walk& walk;
  const Step& step;

  void operator()(ToMailbox& to) const { walk.add_leaf(step, std::move(to.account)); }
  void operator()(const NotOurs&) const { walk.add_leaf(step, std::nullopt); }
  void operator()(const ToTargets& to) const {
    walk.follow(step, to.alias.targets, Through::alias);
  }
  void operator()(const ToMembers& to) const {
    walk.follow(step, to.group.members, Through::group);
  }
  void operator()(const UnknownUser&) const { walk.drop(step, Why::unknown_user); }
  void operator()(const Suspended&) const { walk.drop(step, Why::suspended); }
};

}  // namespace

net::ResultTask<Expansion> Directory::expand(Address address) {
  Walk walk;
  walk.seen.insert(address.key());
  walk.ahead.push_back({address, 0, Through::nothing});
  // Every step but the last of a chain costs two reads: twice as many as there may be leaves is
  // enough.
  for (std::size_t steps = 0; !walk.ahead.empty() && !walk.result.too_many; ++steps) {
    if (steps >= 2 * group_members_max) {
      walk.result.too_many = true;
      break;
    }
    const auto step = std::move(walk.ahead.front());
    walk.ahead.pop_front();
    CO_TRY(auto resolution, co_await resolve(step.address));
    std::visit(Take{walk, step}, resolution);
  }
  const bool nowhere = walk.result.leaves.empty() && walk.result.dropped.empty();
  if (nowhere && walk.came_back) walk.drop({address, 0, Through::nothing}, Why::loop);
  co_return std::move(walk.result);
}

}  // namespace letterlock::directory
