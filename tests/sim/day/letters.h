// The letters that people of a day write. Every line of a letter carries its number, so that
// whoever sees any part of it, on a wire or in a mailbox, knows whose it is. A letter that is given
// again is another letter with the same words: so a number is one trace's, and what that one's
// octets met isn't laid at another's door.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dsn/params.h"
#include "sim/world.h"

namespace letterlock::day {

struct Letter {
  unsigned number = 0;
  std::string account;    // who signs in to submit it; empty: it comes from outside
  std::string mail_from;  // empty: the null reverse path
  std::vector<std::string> recipients;
  std::vector<dsn::Notify> notify;  // one for each
  dsn::MailParams params;
  bool eight_bit = false;
  bool smtputf8 = false;
  std::string content;  // header, an empty line, and `body`
  std::string body;     // which nobody may change

  // Nothing: it isn't one of its recipients.
  std::optional<dsn::Notify> notify_of(std::string_view recipient) const;
};

// Stands in the Bcc field of some letters that are submitted, and may be seen by nobody.
inline constexpr std::string_view bcc_address = "hidden@secret.example";

// The marks of a letter: in its subject, in each line of its body, and in the last of them.
inline constexpr std::size_t mark_octets = 9;  // "=L000123="
struct Mark {
  enum class Of { subject, line, last_line };
  unsigned number = 0;
  Of of = Of::line;
  bool operator==(const Mark&) const = default;
};
// All that stand in `text`, each once.
std::vector<Mark> marks_in(std::string_view text);
// "<L000123@acorn.example>", as the Message-ID is kept: the letter's number, nothing if it is none
// of ours.
std::optional<unsigned> letter_of_message_id(std::string_view message_id);

class Letters {
 public:
  explicit Letters(sim::Random random) : random_(random) {}

  struct Draft {
    std::string account;
    std::string mail_from;
    std::string header_from;
    std::vector<std::string> recipients;
  };
  // The letter lives as long as this. One with a recipient beyond ASCII is one of SMTPUTF8.
  const Letter& write(Draft draft);
  // The same once more, for another try to give it.
  const Letter& again(const Letter& letter);
  const Letter* find(unsigned number) const;
  const std::deque<Letter>& all() const { return letters_; }

 private:
  std::string body(const Letter& letter);
  std::string header(const Letter& letter, const std::string& header_from);
  std::string named(const Letter& letter);
  dsn::Notify notify();

  sim::Random random_;
  std::deque<Letter> letters_;  // number 1 first
};

}  // namespace letterlock::day
