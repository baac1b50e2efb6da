#include "message/address_list.h"

#include <optional>

#include "message/address_tokens.h"
#include "message/words.h"

namespace letterlock::message {
namespace {

using address::Address;
using address::Domain;
using base::ErrorKind;
using base::fail;
using base::Result;
using Kind = AddressToken::Kind;

constexpr std::size_t display_octets_max = 256;

// Words and dots that may turn out to be a display name, a group's name or a local part.
struct Phrase {
  std::string shown;  // as a display name, encoded words not yet decoded
  std::string local;  // as a local part
  bool is_local = true;
  bool is_empty = true;

  void add(const AddressToken& token) {
    const bool dot = token.kind == Kind::dot;
    // RFC 5322 §4.4: obs-local-part = word *("." word).
    if (dot == expects_dot_) {
      expects_dot_ = !dot;
    } else {
      is_local = false;
    }
    if (!shown.empty() && !dot) shown += ' ';
    shown += dot ? "." : token.text;
    local += dot ? "." : token.text;
    is_empty = false;
  }
  // Complete only after a word.
  bool makes_local_part() const { return is_local && !is_empty && expects_dot_; }

 private:
  bool expects_dot_ = false;
};

class Parser {
 public:
  Parser(std::string_view body, std::size_t count_max) : tokens_(body), count_max_(count_max) {}

  Result<AddressList> parse() {
    TRY(next());
    while (token_.kind != Kind::end) TRY(take_element());
    if (in_group_) return wrong("a group that doesn't end");
    return std::move(list_);
  }

 private:
  std::unexpected<base::Error> wrong(std::string_view what) {
    return fail(ErrorKind::invalid, "the address field has " + std::string(what));
  }

  Result<void> next() {
    token_ = TRY(tokens_.next());
    return {};
  }

  // One mailbox, group's beginning or end, or separator.
  Result<void> take_element() {
    switch (token_.kind) {
      case Kind::comma:
        after_mailbox_ = false;
        return next();
      case Kind::semicolon:
        if (!in_group_) return wrong("a ; outside of a group");
        in_group_ = false;
        after_mailbox_ = true;
        return next();
      default:
        break;
    }
    if (after_mailbox_) return wrong("two addresses without a comma between them");
    return take_mailbox_or_group();
  }

  Result<void> take_mailbox_or_group() {
    Phrase phrase;
    while (token_.kind == Kind::word || token_.kind == Kind::quoted || token_.kind == Kind::dot) {
      phrase.add(token_);
      TRY(next());
    }
    switch (token_.kind) {
      case Kind::colon:
        if (in_group_ || phrase.is_empty) return wrong("a colon out of place");
        in_group_ = list_.has_group = true;
        return next();
      case Kind::angle_open:
        return take_angle_address(phrase.shown);
      case Kind::at:
        if (!phrase.makes_local_part()) return wrong("no local part before an @");
        return take_domain(phrase.local, {});
      default:
        return wrong("a name without an address, or a character out of place");
    }
  }

  Result<void> take_angle_address(const std::string& shown) {
    TRY(next());
    // RFC 5322 §4.4: obs-route, thrown away.
    if (token_.kind == Kind::at || token_.kind == Kind::comma) {
      while (token_.kind != Kind::colon) {
        if (token_.kind == Kind::end || token_.kind == Kind::angle_close)
          return wrong("a route without an end");
        TRY(next());
      }
      TRY(next());
    }
    Phrase phrase;
    while (token_.kind == Kind::word || token_.kind == Kind::quoted || token_.kind == Kind::dot) {
      phrase.add(token_);
      TRY(next());
    }
    if (token_.kind != Kind::at || !phrase.makes_local_part())
      return wrong("no address between < and >");
    TRY(take_domain(phrase.local, shown));
    if (token_.kind != Kind::angle_close) return wrong("an address without its >");
    return next();
  }

  // From the @ on.
  Result<void> take_domain(const std::string& local, const std::string& shown) {
    TRY(next());
    std::string domain;
    if (token_.kind == Kind::literal) {
      domain = token_.text;
      TRY(next());
    } else {
      bool expects_dot = false;
      while (token_.kind == (expects_dot ? Kind::dot : Kind::word)) {
        domain += expects_dot ? "." : token_.text;
        expects_dot = !expects_dot;
        TRY(next());
      }
    }
    auto parsed = Address::make(local, TRY(Domain::parse(domain)));
    if (!parsed) return fail(std::move(parsed.error()));
    if (list_.mailboxes.size() >= count_max_)
      return fail(ErrorKind::full, "the address field has too many addresses");
    // Of old, a comment behind the address is the name: alice@acorn.example (Alice).
    const std::string& name = shown.empty() ? tokens_.last_comment() : shown;
    list_.mailboxes.push_back({display_text(name, display_octets_max), std::move(*parsed)});
    after_mailbox_ = true;
    return {};
  }

  AddressTokens tokens_;
  std::size_t count_max_;
  AddressToken token_;
  AddressList list_;
  bool in_group_ = false;
  bool after_mailbox_ = false;
};

// Sender must be one field with one address, if it is there.
bool take_sender(const Header& header, Address& sender) {
  const auto fields = header.all("Sender");
  if (fields.empty()) return true;
  if (fields.size() > 1) return false;
  const auto list = parse_address_list(fields.front()->body(), 1);
  if (!list || list->mailboxes.size() != 1 || list->has_group) return false;
  sender = list->mailboxes.front().address;
  return true;
}

}  // namespace

Result<AddressList> parse_address_list(std::string_view body, std::size_t count_max) {
  return Parser(body, count_max).parse();
}

std::string_view name(HeaderFrom::State state) {
  switch (state) {
    case HeaderFrom::State::ok:
      return "ok";
    case HeaderFrom::State::missing:
      return "no From field";
    case HeaderFrom::State::several_fields:
      return "more than one From field";
    case HeaderFrom::State::malformed:
      return "a malformed From field";
    case HeaderFrom::State::no_address:
      return "a From field without an address";
    case HeaderFrom::State::no_sender:
      return "several authors and no Sender field";
    case HeaderFrom::State::bad_sender:
      return "a malformed Sender field";
  }
  return {};
}

HeaderFrom header_from(const Header& header) {
  HeaderFrom result;
  const auto fields = header.all("From");
  if (fields.empty()) return result;
  const auto answer = [&](HeaderFrom::State state) {
    result.state = state;
    return result;
  };
  if (fields.size() > 1) return answer(HeaderFrom::State::several_fields);
  auto list = parse_address_list(fields.front()->body(), authors_max);
  if (!list) return answer(HeaderFrom::State::malformed);
  result.authors = std::move(list->mailboxes);
  if (result.authors.empty()) return answer(HeaderFrom::State::no_address);
  if (!take_sender(header, result.sender)) return answer(HeaderFrom::State::bad_sender);
  const bool sender_missing = result.authors.size() > 1 && result.sender.is_empty();
  return answer(sender_missing ? HeaderFrom::State::no_sender : HeaderFrom::State::ok);
}

}  // namespace letterlock::message
