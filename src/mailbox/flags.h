// The flags of a stored message: five that the protocol knows, and keywords that users make up.
// A value; keywords are kept sorted and unique, ignoring case (RFC 9051 §2.3.2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace letterlock::mailbox {

inline constexpr std::size_t keyword_octets_max = 50;
inline constexpr std::size_t keywords_per_message_max = 32;
inline constexpr std::size_t keywords_per_mailbox_max = 100;

enum class SystemFlag : std::uint8_t {
  seen = 1,
  answered = 2,
  flagged = 4,
  deleted = 8,
  draft = 16
};

class Flags {
 public:
  Flags() = default;
  // From the stored octet and keywords in any order. Errors: as add(); invalid for unknown bits.
  static base::Result<Flags> make(std::uint8_t system, const std::vector<std::string>& keywords);

  bool has(SystemFlag flag) const { return (system_ & static_cast<std::uint8_t>(flag)) != 0; }
  void set(SystemFlag flag) { system_ |= static_cast<std::uint8_t>(flag); }
  bool has_keyword(std::string_view keyword) const;
  // A flag as IMAP writes it: "\Seen" in any case, or a keyword; one that is there already stays.
  // Errors: invalid (unknown "\" flag, not an atom, too long), full (too many keywords).
  base::Result<void> add(std::string_view name);
  void remove(const Flags& others);

  std::uint8_t system() const { return system_; }
  const std::vector<std::string>& keywords() const { return keywords_; }
  // "\Seen", "\Answered" …, then the keywords.
  std::vector<std::string> names() const;
  bool operator==(const Flags&) const = default;

 private:
  std::uint8_t system_ = 0;
  std::vector<std::string> keywords_;
};

enum class FlagMode { add, remove, replace };
// Errors: full (too many keywords).
base::Result<Flags> changed(const Flags& before, FlagMode mode, const Flags& flags);

// Puts into `known` what of `flags` isn't there. Errors: full (the mailbox knows too many).
base::Result<void> remember_keywords(std::vector<std::string>& known, const Flags& flags);

}  // namespace letterlock::mailbox
