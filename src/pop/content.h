// Message content on the wire: dot-stuffed and ended by a dot, streamed chunk by chunk in both
// directions. RFC: 1939 section 3.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace letterlock::pop {

// Content to wire. What leaves has CRLF line ends alone: a bare CR or LF, which no message that was
// accepted should hold, becomes CRLF, so that no client takes "LF . LF" for the end.
class DotStuffer {
 public:
  // Appends to `wire`: at most twice the octets of `content`, plus two.
  void add(base::BytesView content, base::Bytes& wire);
  // Appends the end: a line end if one is missing, then ".". Nothing may be added after it.
  void finish(base::Bytes& wire);
  // A bare CR or LF was met.
  bool converted() const { return converted_; }

 private:
  bool line_start_ = true;
  bool carriage_return_ = false;  // the last octet was CR and is not yet written
  bool converted_ = false;
};

// Wire to content, on the client's side.
class DotUnstuffer {
 public:
  // Appends content; returns how many octets of `wire` it took: all of them until done().
  std::size_t add(base::BytesView wire, base::Bytes& content);
  bool done() const { return state_ == State::done; }

 private:
  enum class State { line_start, dot, dot_cr, middle, cr, done };
  State state_ = State::line_start;
};

// The header, the empty line and so many lines of the body. RFC: 1939 section 7, TOP.
class TopCutter {
 public:
  explicit TopCutter(std::uint32_t lines) : lines_left_(lines) {}
  // How many octets from the front of `content` belong to it; once done() none do.
  std::size_t add(base::BytesView content);
  bool done() const { return done_; }

 private:
  bool in_header_ = true;
  bool line_empty_ = true;        // so far
  bool carriage_return_ = false;  // the line isn't without octets any more
  bool done_ = false;
  std::uint32_t lines_left_;
};

}  // namespace letterlock::pop
