// The small forms that stand inside everything else: hex, base64, ids, times, durations, texts for
// terminals, and the fields of stored records.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/id.h"
#include "base/pack.h"
#include "base/time.h"
#include "base/utf8.h"
#include "fuzz/mutators.h"

namespace {
using namespace letterlock::base;

void texts(std::string_view input) {
  ASSERT(from_hex(to_hex(input)).value() == input);
  ASSERT(from_base64(to_base64(input)).value() == input);
  // One text an id, one an octet string: what is taken is what would be written.
  if (const auto octets = from_base64(input)) ASSERT(to_base64(*octets) == input);
  if (const auto octets = from_hex(input)) ASSERT(to_hex(*octets) == to_lower(input));
  if (const auto id = TraceId::parse(input)) {
    ASSERT(TraceId::parse(id->text()).value() == *id);
    ASSERT(TraceId::from_octets(id->octets()).value() == *id);
  }
  if (const auto time = from_rfc3339(input))
    ASSERT(from_rfc3339(to_rfc3339(*time)).value() == *time);
  if (const auto duration = parse_duration(input))
    ASSERT(parse_duration(to_text(*duration)).value() == *duration);
  if (const auto number = from_key_number(input)) ASSERT(key_number(*number) == input);
}

void shown(std::string_view input) {
  for (const std::size_t most : {std::size_t{5}, std::size_t{200}}) {
    const auto text = printable(input, most);
    ASSERT(is_utf8(text) && text.size() <= 4 * most + 4);
    for (const char c : text) ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  }
}

// The octets are a plan: what to read next, and the record that it is read from.
void records(std::string_view input) {
  const auto plan = input.substr(0, 16);
  Unpacker in("fuzz", input);
  std::uint64_t counted = 0;
  for (const char step : plan) {
    switch (step & 3) {
      case 0:
        (void)in.number();
        break;
      case 1:
        ASSERT(in.text().size() <= input.size());
        break;
      case 2:
        (void)in.id<TenantId>();
        break;
      default:
        counted += in.count();
        ASSERT(counted <= plan.size() * input.size());
    }
    // Once bad it stays bad, and gives nothing.
    if (in.bad()) ASSERT(in.number() == 0 && in.text().empty() && in.count() == 0);
  }
  if (in.bad()) ASSERT(!in.done(in.version()));

  Packer out(7);
  out.text(input).number(input.size()).flag(true);
  const auto packed = out.take();
  Unpacker again("fuzz", packed);
  ASSERT(again.version() == 7 && again.text() == input && again.number() == input.size() &&
         again.flag() && again.done(7));
  Unpacker cut("fuzz", std::string_view(packed).substr(0, packed.size() - 1));
  (void)cut.text();
  (void)cut.number();
  (void)cut.flag();
  ASSERT(!cut.done(7));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  texts(input);
  shown(input);
  records(input);
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned int seed) {
  return letterlock::fuzz::change_record({data, size_max}, size, seed, 0);
}
