// The form of stored records: a version, then fields in order. Numbers are varints (LEB128),
// texts carry their length. What is read is never trusted: an Unpacker goes bad instead of past
// its end, and says so once, at the end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/result.h"
#include "base/time.h"

namespace letterlock::base {

class Packer {
 public:
  explicit Packer(std::uint64_t version) { number(version); }
  Packer& number(std::uint64_t value);
  Packer& text(std::string_view value);
  Packer& flag(bool value) { return number(value ? 1 : 0); }
  Packer& time(Time value) { return number(static_cast<std::uint64_t>(to_milliseconds(value))); }
  template <class Tag>
  Packer& id(const Id<Tag>& value) {
    octets_.append(value.octets());
    return *this;
  }
  std::string take() { return std::move(octets_); }

 private:
  std::string octets_;
};

class Unpacker {
 public:
  // `what` names the record in errors; the octets must outlive the Unpacker.
  Unpacker(std::string_view what, std::string_view octets) : what_(what), rest_(octets) {
    version_ = number();
  }
  std::uint64_t version() const { return version_; }
  std::uint64_t number();
  std::string_view text();
  bool flag();
  Time time() { return from_milliseconds(static_cast<std::int64_t>(number())); }
  template <class IdType>
  IdType id() {
    const auto octets = take(16);
    if (bad_) return {};
    return IdType::from_octets(octets).value_or(IdType());
  }
  // A count of things that follow; never more than the octets left could hold.
  std::size_t count();
  bool bad() const { return bad_; }
  // Errors: corrupt (too short, too long, another version).
  Result<void> done(std::uint64_t version) const;

 private:
  std::string_view take(std::size_t octets);

  std::string_view what_;
  std::string_view rest_;
  std::uint64_t version_ = 0;
  bool bad_ = false;
};

// Keys: big-endian numbers sort as octets do.
std::string key_number(std::uint64_t value);
// Errors: corrupt (not 8 octets).
Result<std::uint64_t> from_key_number(std::string_view octets);

}  // namespace letterlock::base
