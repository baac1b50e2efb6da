// PROXY headers of any octets: refused, or ends that are somebody's, whatever stands behind them.
#include "net/proxy_header.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace letterlock::net;
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const auto head = parse_proxy_head(octets.substr(0, proxy_head_octets));
  if (!head) return 0;
  ASSERT(octets.size() >= proxy_head_octets && head->rest_octets <= proxy_rest_octets_max);
  const auto rest = octets.substr(proxy_head_octets);
  if (rest.size() < head->rest_octets) {
    ASSERT(!parse_proxy_ends(*head, rest));
    return 0;
  }
  const auto ends = parse_proxy_ends(*head, rest.substr(0, head->rest_octets));
  if (!ends) return 0;
  const bool own = head->command == ProxyHead::Command::own;
  ASSERT(ends->has_value() != own);
  if (own) return 0;
  for (const auto& end : {(*ends)->peer, (*ends)->local}) {
    ASSERT(end.port != 0 && !end.address.is_unspecified());
    ASSERT(Endpoint::parse(end.text()).value() == end);
  }
  return 0;
}
