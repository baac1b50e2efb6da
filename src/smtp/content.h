// The content of a message on its way through SMTP: what must not be in it, and the dots around
// it. Works in place over the caller's octets, keeps none of them, copies only where a dot or a
// line end moves the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "smtp/line.h"

namespace letterlock::smtp {

// Why content is refused. Once set it stays, and the rest is thrown away unread.
enum class Fault {
  none,
  bare_cr,    // a CR without LF: another server might end the message there
  bare_lf,    // an LF without CR: the same
  nul,        // no text has it (RFC 5321 §2.3.1), and C programs end at it
  line_long,  // over line_octets_max
};
// "bare LF".
std::string_view name(Fault fault);

// RFC 5321 §4.5.3.1.6 deviation: 1000 is what must be taken at least; generated HTML comes in lines
// of tens of thousands, and every other server takes it. The header has limits of its own.
inline constexpr std::size_t content_line_octets_max = 64 * 1024;

// What was seen of content, whichever way it came.
struct ContentFacts {
  std::uint64_t octets = 0;  // as the handler was given them
  bool eight_bit = false;    // an octet over 127
  bool operator==(const ContentFacts&) const = default;
};

struct Piece {
  std::string_view content;  // for the handler; lives until the caller's octets change
  std::size_t consumed = 0;  // octets at the front that the caller drops after using `content`
  bool ended = false;        // the message is over; what follows is commands
  bool false_end = false;    // see DataDecoder
};

// Content of DATA: ends at CRLF.CRLF and nothing else, loses the dots that stuff it.
//
// After a fault nothing more is given; the true end is still looked for. A line that only a
// careless reader takes for the end (LF.LF, CR.CR, NUL in between, and their kin) after a fault
// sets false_end: what follows is a second message hidden in the first, or a client that will wait
// for ever, and the connection has no future.
class DataDecoder {
 public:
  explicit DataDecoder(LineEnds ends = LineEnds::strict,
                       std::size_t line_octets_max = content_line_octets_max)
      : ends_(ends), line_octets_max_(line_octets_max) {}

  // The next piece. Up to 3 octets at the end (CR, or a dot at the start of a line) may be left
  // unconsumed: the caller gives them again with what comes after them. `octets` is changed.
  // RFC: 5321 section 4.5.2.
  Piece decode(std::span<char> octets);
  Fault fault() const { return fault_; }
  const ContentFacts& facts() const { return facts_; }

 private:
  // The states of what only looks for the end: the strict reader's and the careless reader's.
  enum class Strict { line_start, dot, dot_cr, within, cr };
  enum class Careless { line_start, dot, within };

  struct Output;
  enum class Go { on, need_more, ended };
  Go take_dot(std::string_view rest, Output& output);
  Go take_line(std::string_view rest, Output& output);
  void refuse(Fault fault);
  Piece drain(std::string_view octets, std::size_t from);

  LineEnds ends_;
  std::size_t line_octets_max_;
  Fault fault_ = Fault::none;
  ContentFacts facts_;
  std::size_t line_octets_ = 0;  // of the unfinished line, given already
  bool after_bare_lf_ = false;   // with normalise: no end may begin here
  std::string widened_;          // with normalise: the content, line ends made whole
  Strict strict_ = Strict::line_start;
  Careless careless_ = Careless::line_start;
};

// Content of BDAT: all octets count, only their line ends and NULs are looked at.
class ChunkDecoder {
 public:
  explicit ChunkDecoder(LineEnds ends = LineEnds::strict,
                        std::size_t line_octets_max = content_line_octets_max)
      : ends_(ends), line_octets_max_(line_octets_max) {}

  // All of `octets` is consumed. RFC: 3030 section 2.
  Piece decode(std::string_view octets);
  // After the last chunk. A message whose last line has no end gets one, so that every message can
  // travel by DATA too: the content is CRLF then, otherwise empty.
  Piece finish();
  Fault fault() const { return fault_; }
  const ContentFacts& facts() const { return facts_; }

 private:
  void scan(std::string_view octets);

  LineEnds ends_;
  std::size_t line_octets_max_;
  Fault fault_ = Fault::none;
  ContentFacts facts_;
  std::size_t line_octets_ = 0;
  bool after_cr_ = false;
  std::string widened_;
};

// For the side that sends: content as DATA carries it, dots stuffed, ended by CRLF.CRLF.
class DataEncoder {
 public:
  // Appends the next part of the content to `out`.
  // Errors: invalid (a bare CR or LF, NUL): nothing that another server might misread ever leaves.
  // The message must then be given up by closing the connection.
  base::Result<void> encode(std::string_view content, std::string& out);
  // Appends the end. Errors: invalid (the content ended in a bare CR).
  base::Result<void> finish(std::string& out);

 private:
  bool at_line_start_ = true;
  bool after_cr_ = false;
};

}  // namespace letterlock::smtp
