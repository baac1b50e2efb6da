// Reads a header out of content that comes in chunks, and stops where the body begins. It holds the
// header only, within limits; the body passes by.
#pragma once

#include <string>
#include <string_view>

#include "base/limits.h"
#include "message/header.h"

namespace letterlock::message {

class HeaderParser {
 public:
  // What a line is, behind fields, that is neither a field nor folded nor empty.
  enum class BadLine {
    refuse,       // an error
    begins_body,  // the body's first, as other MTAs take it; Header::text() then puts an empty line
                  // before it
  };
  struct Options {
    std::size_t octets_max = base::limits::header_octets_max;
    std::size_t fields_max = base::limits::header_fields_max;
    BadLine bad_line = BadLine::refuse;
  };
  HeaderParser() = default;
  explicit HeaderParser(Options options) : options_(options) {}

  // Takes the next octets of the content. After is_done() or an error no more may be fed.
  // Where the very first line is no field, the content has no header, which is not an error.
  // Errors: full (too large, too many fields: refuse the message), invalid (NUL, bare CR or LF, a
  // line that is no field).
  base::Result<void> feed(std::string_view chunk);
  // The content has ended. Errors: as feed, and invalid (it ended within a header line).
  base::Result<void> finish();

  bool is_done() const { return done_; }
  // Once done: the octets of the body that were fed already.
  std::string take_rest() { return std::move(rest_); }
  // Once done.
  Header take_header();

 private:
  base::Result<void> take_line(std::string_view line);
  base::Result<void> end_field();
  void begin_body_with(std::string_view line);

  Options options_;
  std::string line_;   // begun, without its end
  std::string field_;  // the whole lines of the field that may still go on
  std::size_t octets_ = 0;
  std::vector<Field> fields_;
  Header::End end_ = Header::End::empty_line;
  std::string rest_;
  bool done_ = false;
};

}  // namespace letterlock::message
