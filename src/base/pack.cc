#include "base/pack.h"

#include <fmt/format.h>

namespace letterlock::base {

Packer& Packer::number(std::uint64_t value) {
  while (value >= 0x80) {
    octets_.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  octets_.push_back(static_cast<char>(value));
  return *this;
}

Packer& Packer::text(std::string_view value) {
  number(value.size());
  octets_.append(value);
  return *this;
}

std::uint64_t Unpacker::number() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto octet = take(1);
    if (bad_) return 0;
    const auto bits = static_cast<std::uint64_t>(static_cast<std::uint8_t>(octet[0]));
    if (shift == 63 && bits > 1) break;  // the tenth octet has room for one bit
    value |= (bits & 0x7F) << shift;
    if (bits < 0x80) return value;
  }
  bad_ = true;
  return 0;
}

bool Unpacker::flag() {
  const std::uint64_t value = number();
  if (value > 1) bad_ = true;
  return value == 1;
}

std::string_view Unpacker::text() {
  const std::uint64_t size = number();
  if (bad_ || size > rest_.size()) {
    bad_ = true;
    return {};
  }
  return take(static_cast<std::size_t>(size));
}

std::size_t Unpacker::count() {
  const std::uint64_t value = number();
  if (value > rest_.size()) {
    bad_ = true;
    return 0;
  }
  return static_cast<std::size_t>(value);
}

Result<void> Unpacker::done(std::uint64_t version) const {
  if (version_ != version) {
    return fail(ErrorKind::corrupt,
                fmt::format("{}: it has version {}, not {}", what_, version_, version));
  }
  if (bad_) return fail(ErrorKind::corrupt, fmt::format("{}: the record is cut short", what_));
  if (!rest_.empty())
    return fail(ErrorKind::corrupt, fmt::format("{}: {} octets too many", what_, rest_.size()));
  return {};
}

std::string_view Unpacker::take(std::size_t octets) {
  if (bad_ || octets > rest_.size()) {
    bad_ = true;
    return {};
  }
  const auto taken = rest_.substr(0, octets);
  rest_.remove_prefix(octets);
  return taken;
}

std::string key_number(std::uint64_t value) {
  std::string octets(8, '\0');
  for (std::size_t i = 8; i-- > 0; value >>= 8) octets[i] = static_cast<char>(value);
  return octets;
}

Result<std::uint64_t> from_key_number(std::string_view octets) {
  if (octets.size() != 8) return fail(ErrorKind::corrupt, "a number in a key is not 8 octets");
  std::uint64_t value = 0;
  for (const char c : octets) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

}  // namespace letterlock::base
