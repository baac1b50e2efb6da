// Passwords in lines that sign nobody in. A client may send PASS behind a USER that was refused, or
// its answers behind an AUTH that was: whoever listens has the password all the same. This reads it
// out of what came; it checks nothing, and answers nobody.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "sasl/mechanism.h"

namespace letterlock::sasl {

// As they came, not prepared; neither is empty.
struct ShownPassword {
  std::string user;
  std::string password;
  bool operator==(const ShownPassword&) const = default;
};

// What a message of PLAIN shows, also where parse_plain() refuses it: one NUL is enough, and ends
// that a script added (a line's end, a NUL) aren't the password's.
std::optional<ShownPassword> shown_in_plain(base::BytesView message);
// What `message` shows that its exchange doesn't see and has checked: none of a message in form.
std::optional<ShownPassword> shown_beside(Mechanism mechanism, base::BytesView message);

// Lives as long as its session, and knows what was named before.
// Limits: two names of 512 octets. Behind AUTH LOGIN the next two lines are its answers, not more.
class ShownPasswords {
 public:
  // `line` is one that the session refuses: AUTH, USER and PASS out of place, or no command at all.
  // A message of PLAIN is known by itself; LOGIN's answers by the AUTH before them.
  std::optional<ShownPassword> find_in(std::string_view line);
  // True for a line that may be the answer to an AUTH that was refused: then it isn't what its
  // first letters look like.
  bool awaits(std::string_view line) const;

 private:
  enum class Awaits { nothing, message, name, password };

  std::optional<ShownPassword> auth(std::string_view arguments);
  std::optional<ShownPassword> answer(std::string_view text);
  void name(std::string text);

  Awaits awaits_ = Awaits::nothing;
  std::string named_by_user_;
  std::string named_by_login_;
};

}  // namespace letterlock::sasl
