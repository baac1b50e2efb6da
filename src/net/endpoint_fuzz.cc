// Addresses, networks and endpoints of any octets: refused, or a value that is written in one form
// and read back as itself; a network holds its own first address and no other family's.
#include "net/endpoint.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace letterlock::net;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto address = IpAddress::parse(text)) {
    ASSERT(IpAddress::parse(address->text()).value() == *address);
    ASSERT(address->octets().size() == (address->is_v4() ? 4U : 16U));
    // What isn't the internet's is never taken for it in another dress.
    if (address->is_loopback() || address->is_unspecified()) ASSERT(address->is_special());
    const auto whole = Prefix::parse(address->text() + (address->is_v4() ? "/32" : "/128"));
    ASSERT(whole && whole->contains(*address));
    const Endpoint endpoint{*address, 25};
    ASSERT(Endpoint::parse(endpoint.text()).value() == endpoint);
  }
  if (const auto prefix = Prefix::parse(text)) {
    const auto written = prefix->text();
    ASSERT(Prefix::parse(written) && Prefix::parse(written)->text() == written);
    const auto first = IpAddress::parse(written.substr(0, written.find('/')));
    ASSERT(first && prefix->contains(*first));
    ASSERT(!prefix->contains(first->is_v4() ? IpAddress::v6({0x20, 0x01, 0x0d, 0xb8})
                                            : IpAddress::v4({192, 0, 2, 1})));
  }
  if (const auto endpoint = Endpoint::parse(text))
    ASSERT(Endpoint::parse(endpoint->text()).value() == *endpoint);
  return 0;
}
