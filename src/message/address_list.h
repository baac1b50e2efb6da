// Who a message says it is from and for: the address fields of a header. What they say is shown and
// checked; mail goes by the envelope.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "address/address.h"
#include "base/result.h"
#include "message/header.h"

namespace letterlock::message {

inline constexpr std::size_t mailboxes_max = 1000;
inline constexpr std::size_t authors_max = 100;
inline constexpr std::size_t comment_depth_max = 32;

struct Mailbox {
  std::string display_name;  // for people: decoded, one line, may be empty; proves nothing
  address::Address address;
  bool operator==(const Mailbox&) const = default;
};

struct AddressList {
  std::vector<Mailbox> mailboxes;  // those of groups too
  bool has_group = false;
  bool operator==(const AddressList&) const = default;
};

// The body of From, Sender, Reply-To, To, Cc or Bcc, folded or not: groups, comments, quoted and
// encoded names; of the obsolete forms empty list elements, routes, dots in names and blanks around
// the dots of addresses. Errors: invalid (anything else), full (more than `count_max` mailboxes).
// Takes linear time. RFC: 5322 sections 3.4 and 4.4, 6532, 6854.
base::Result<AddressList> parse_address_list(std::string_view body,
                                             std::size_t count_max = mailboxes_max);

// The author as a header states it, with everything that could make two readers see two authors.
struct HeaderFrom {
  enum class State {
    ok,
    missing,         // no From (RFC 5322 §3.6 asks for one)
    several_fields,  // more than one From: readers choose differently
    malformed,       // not a list of addresses, or more than 100
    no_address,      // only an empty group
    no_sender,       // several authors and no Sender (RFC 5322 §3.6.2)
    bad_sender,      // Sender is malformed, doubled, or not one address
  };
  State state = State::missing;
  std::vector<Mailbox> authors;
  address::Address sender;  // empty if there is no Sender
};
std::string_view name(HeaderFrom::State state);
HeaderFrom header_from(const Header& header);

}  // namespace letterlock::message
