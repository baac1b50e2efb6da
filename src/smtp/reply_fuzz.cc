// A reply: the same in one part as in two (the first octet says where it is cut), and written as it
// was read.
#include "smtp/reply.h"

#include <cstdint>
#include <string>

#include "base/assert.h"
#include "smtp/client.h"

namespace smtp = letterlock::smtp;

namespace {

std::optional<smtp::Reply> parse(std::string_view octets, std::size_t cut) {
  smtp::ReplyParser parser;
  const auto first = parser.feed(octets.substr(0, cut));
  if (!first) return std::nullopt;
  const auto second = parser.feed(octets.substr(*first));
  if (!second || !parser.is_done()) return std::nullopt;
  return parser.take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = parse(octets, octets.size());
  ASSERT(parse(octets, data[0] % size) == whole);
  if (!whole) return 0;
  (void)smtp::parse_offered(*whole);
  std::string written;
  smtp::append(*whole, written);
  // Controls and lines over 512 octets are written differently: what is written then stays.
  const auto again = parse(written, written.size());
  ASSERT(again && again->code == whole->code && again->lines.size() == whole->lines.size());
  return 0;
}
