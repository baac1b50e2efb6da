// Two properties of a hop's record: whatever text is taken is exactly what would be written, and
// whatever a hop holds (strangers' words among it) is written so that it reads back the same.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "hop/hop.h"

namespace {

using letterlock::hop::Hop;

// A hop whose texts and numbers are cut out of the input.
Hop hop_of(std::string_view input) {
  const auto text = [&input] {
    const std::size_t length = input.empty() ? 0 : static_cast<unsigned char>(input[0]) % 64U;
    input.remove_prefix(input.empty() ? 0 : 1);
    const auto part = input.substr(0, length);
    input.remove_prefix(part.size());
    return std::string(part);
  };
  Hop hop;
  hop.from.who = text();
  hop.from.address = text();
  hop.to.who = text();
  hop.to.protocol = text();
  hop.protection.tls.cipher = text();
  hop.required.push_back({text(), text(), text()});
  hop.reason = text();
  for (int i = 0; i < 40; ++i) hop.reply += text();
  for (const char c : text()) hop.recipients.push_back(static_cast<unsigned char>(c) * 77777U);
  hop.number = static_cast<unsigned>(input.size());
  return hop;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto hop = letterlock::hop::hop_from_json(input)) {
    ASSERT(letterlock::hop::to_json(*hop) == input);
    ASSERT(letterlock::hop::bounded(*hop) == *hop);
  }
  const Hop hop = hop_of(input);
  const auto again = letterlock::hop::hop_from_json(letterlock::hop::to_json(hop));
  ASSERT(again);
  ASSERT(*again == letterlock::hop::bounded(hop));
  return 0;
}
