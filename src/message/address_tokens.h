// The words and signs of an address field, one after the other; comments and folds fall out. Used
// by address_list.cc alone. RFC: 5322 section 3.2.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace letterlock::message {

struct AddressToken {
  enum class Kind {
    end,
    word,
    quoted,
    literal,
    dot,
    comma,
    colon,
    semicolon,
    at,
    angle_open,
    angle_close
  };
  Kind kind = Kind::end;
  std::string text;  // of a word, a quoted string (without quotes), a literal (with brackets)
};

class AddressTokens {
 public:
  explicit AddressTokens(std::string_view body) : rest_(body) {}
  // Errors: invalid (control octets, not UTF-8, something that doesn't end, comments nested too
  // deeply).
  base::Result<AddressToken> next();
  // The comment that stood before the last token, if any, without its parentheses.
  const std::string& last_comment() const { return comment_; }

 private:
  base::Result<void> skip_comments_and_blanks();
  base::Result<void> skip_comment();
  base::Result<AddressToken> take_quoted();
  base::Result<AddressToken> take_literal();
  base::Result<AddressToken> take_word();

  std::string_view rest_;
  std::string comment_;
};

}  // namespace letterlock::message
