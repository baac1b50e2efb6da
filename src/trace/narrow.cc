// A trace as somebody sees it who may not see all of its recipients.
#include <algorithm>
#include <optional>

#include "trace/trace.h"

namespace letterlock::trace {
namespace {

bool has(const std::vector<unsigned>& recipients, unsigned index) {
  return std::ranges::find(recipients, index) != recipients.end();
}

// Nothing is left of a hop that concerned others alone.
std::optional<hop::Hop> narrowed(hop::Hop hop, const std::vector<unsigned>& recipients) {
  if (hop.recipients.empty()) return hop;
  std::erase_if(hop.recipients, [&](unsigned index) { return !has(recipients, index); });
  if (hop.recipients.empty()) return std::nullopt;
  return hop;
}

}  // namespace

LoadedTrace narrowed(LoadedTrace loaded, const std::vector<unsigned>& recipients) {
  std::erase_if(loaded.trace.recipients,
                [&](const Recipient& recipient) { return !has(recipients, recipient.index); });
  std::erase_if(loaded.ways, [&](const Way& way) { return !has(recipients, way.recipient.index); });
  std::vector<std::optional<std::size_t>> places;  // of each hop, among those that are left
  std::vector<hop::Hop> hops;
  for (auto& hop : loaded.hops) {
    auto part = narrowed(std::move(hop), recipients);
    places.push_back(part ? std::optional(hops.size()) : std::nullopt);
    if (part) hops.push_back(std::move(*part));
  }
  loaded.hops = std::move(hops);
  loaded.fetches_not_kept = 0;
  for (Way& way : loaded.ways) {
    std::vector<std::size_t> left;
    for (const std::size_t at : way.hops) {
      if (places[at]) left.push_back(*places[at]);
    }
    way.hops = std::move(left);
    loaded.fetches_not_kept += way.fetches_not_kept;
  }
  return loaded;
}

}  // namespace letterlock::trace
