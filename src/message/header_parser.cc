#include "message/header_parser.h"

#include <fmt/format.h>

#include "base/assert.h"

namespace letterlock::message {
namespace {

using base::ErrorKind;
using base::fail;
using base::Result;

// RFC 5321 §2.3.8: CR and LF only as the end of a line. `line` has its CRLF.
Result<void> check_octets(std::string_view line) {
  if (line.find('\0') != std::string_view::npos)
    return fail(ErrorKind::invalid, "the header has a NUL");
  if (!line.ends_with("\r\n")) return fail(ErrorKind::invalid, "the header has a bare LF");
  if (line.find('\r') != line.size() - 2)
    return fail(ErrorKind::invalid, "the header has a bare CR");
  return {};
}

bool looks_like_a_field(std::string_view line) {
  const auto colon = line.find(':');
  return colon != std::string_view::npos && Field::parse(std::string(line)).has_value();
}

}  // namespace

Result<void> HeaderParser::feed(std::string_view chunk) {
  ASSERT(!done_);
  while (!chunk.empty()) {
    const auto newline = chunk.find('\n');
    const auto piece = chunk.substr(0, newline == std::string_view::npos ? newline : newline + 1);
    octets_ += piece.size();
    if (octets_ > options_.octets_max)
      return fail(ErrorKind::full,
                  fmt::format("the header is larger than {} octets", options_.octets_max));
    line_ += piece;
    chunk.remove_prefix(piece.size());
    if (newline == std::string_view::npos) return {};
    const std::string line = std::move(line_);
    line_.clear();
    TRY(take_line(line));
    if (done_) {
      rest_ += chunk;
      return {};
    }
  }
  return {};
}

Result<void> HeaderParser::take_line(std::string_view line) {
  TRY(check_octets(line));
  if (line == "\r\n") {
    TRY(end_field());
    done_ = true;
    return {};
  }
  if (line.front() == ' ' || line.front() == '\t') {
    if (field_.empty()) {
      begin_body_with(line);
    } else {
      field_ += line;
    }
    return {};
  }
  TRY(end_field());
  if (looks_like_a_field(line)) {
    field_ = line;
    return {};
  }
  if (!fields_.empty() && options_.bad_line == BadLine::refuse)
    return fail(ErrorKind::invalid, "a line of the header is no field");
  begin_body_with(line);
  return {};
}

Result<void> HeaderParser::end_field() {
  if (field_.empty()) return {};
  if (fields_.size() >= options_.fields_max)
    return fail(ErrorKind::full,
                fmt::format("the header has more than {} fields", options_.fields_max));
  field_.shrink_to_fit();
  fields_.push_back(TRY(Field::parse(std::move(field_))));
  field_.clear();
  return {};
}

void HeaderParser::begin_body_with(std::string_view line) {
  end_ = Header::End::body_without_it;
  rest_ = line;
  done_ = true;
}

Result<void> HeaderParser::finish() {
  if (done_) return {};
  if (!line_.empty()) {
    const bool no_header =
        fields_.empty() && field_.empty() && line_.find(':') == std::string::npos;
    if (!no_header) return fail(ErrorKind::invalid, "the content ends within a line of the header");
    const std::string line = std::move(line_);
    line_.clear();
    begin_body_with(line);
    return {};
  }
  TRY(end_field());
  end_ = Header::End::content_ended;
  done_ = true;
  return {};
}

Header HeaderParser::take_header() {
  ASSERT(done_);
  return Header(std::move(fields_), end_);
}

}  // namespace letterlock::message
