// Finds command lines in the octets that came in. It owns no octets: the caller keeps those that
// belong to no whole line yet, and calls again with them in front of what came later.
#pragma once

#include <cstddef>
#include <string_view>

namespace letterlock::smtp {

struct Line {
  enum class Kind {
    more,      // no whole line yet
    whole,     // a line, without its CRLF
    too_long,  // a line over the limit; all of it has been thrown away
    bare_end,  // a line ended by LF alone, or with a CR inside: refused, thrown away
  };
  Kind kind = Kind::more;
  std::string_view text;     // of a line that isn't too long, inside the caller's octets
  std::size_t consumed = 0;  // octets at the front that the caller drops (after using `text`)
};

enum class LineEnds { strict, normalise };

class LineFinder {
 public:
  explicit LineFinder(LineEnds ends = LineEnds::strict) : ends_(ends) {}

  // The next line of `octets`, at most `octets_max` long with its CRLF. What is over it is thrown
  // away up to its end, without being kept: then too_long is told once. RFC: 5321 section 4.5.3.1.4
  Line next(std::string_view octets, std::size_t octets_max);
  // Forgets a line that was half read.
  void reset() { *this = LineFinder(ends_); }

 private:
  LineEnds ends_;
  bool skipping_ = false;     // in a line that is too long
  std::size_t searched_ = 0;  // so many octets have no LF, so that a slow line costs no square
};

}  // namespace letterlock::smtp
