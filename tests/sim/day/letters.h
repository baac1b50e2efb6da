// The letters that people of a day write. Every line of a letter carries its number, so that
// whoever sees any part of it, on a wire or in a mailbox, knows whose it is.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/world.h"

namespace letterlock::day {

struct Letter {
  unsigned number = 0;
  std::string mail_from;  // empty: the null reverse path
  std::vector<std::string> recipients;
  std::string content;  // header, an empty line, and `body`
  std::string body;     // which nobody may change
};

// The mark of a letter in its lines, and the one that only its last line has.
inline constexpr std::size_t mark_octets = 9;  // "=L000123="
struct Mark {
  unsigned number = 0;
  bool is_last = false;
};
// All that stand in `text`, each letter once (twice if its last line is there as well).
std::vector<Mark> marks_in(std::string_view text);
// "<L000123@acorn.example>", as the Message-ID is kept: the letter's number, nothing if it is none
// of ours.
std::optional<unsigned> letter_of_message_id(std::string_view message_id);

class Letters {
 public:
  explicit Letters(sim::Random random) : random_(random) {}

  // `header_from` also makes the Message-ID. The letter lives as long as this.
  const Letter& write(const std::string& mail_from, const std::string& header_from,
                      std::vector<std::string> recipients);
  const Letter* find(unsigned number) const;
  const std::deque<Letter>& all() const { return letters_; }

 private:
  std::string body(unsigned number);

  sim::Random random_;
  std::deque<Letter> letters_;  // number 1 first
};

}  // namespace letterlock::day
