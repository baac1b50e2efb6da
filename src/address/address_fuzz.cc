// Any octets as a path: refused, or an address whose text is its own canonical form.
#include "address/address.h"

#include <cstdint>
#include <string_view>

#include "base/assert.h"

using namespace letterlock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto split = address::split_path(text))
    ASSERT(split->path.size() + split->rest.size() == text.size());
  auto address = address::parse_path(text);
  if (!address) address = address::Address::parse(text);
  if (!address) return 0;
  const std::string written = address->text();
  ASSERT(written.size() <= address::address_octets_max);
  for (const char c : written) ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  const auto again = address::Address::parse(written);
  ASSERT(again && *again == *address && again->text() == written);
  ASSERT(address::parse_path(address->path()) == *address);
  ASSERT(address::split_path(address->path() + " X")->rest == " X");
  ASSERT(address::Address::make(address->local_part(), address->domain()) == *address);
  // What people are shown reads back as the same address, or was left as it is.
  ASSERT(address::Domain::parse(address->domain().display()) == address->domain());
  return 0;
}
