#include "message/header.h"

#include <algorithm>

#include "base/bytes.h"

namespace letterlock::message {
namespace {

using base::ErrorKind;
using base::fail;
using base::Result;

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

// RFC 5322 §3.6.8: ftext, the octets of a field's name.
bool is_ftext(char c) {
  return c > ' ' && c < 0x7F && c != ':';
}

// Every CR is followed by LF and by nothing else's LF; behind each but the last stands a blank.
Result<void> check_lines(std::string_view raw) {
  if (raw.find('\0') != std::string_view::npos)
    return fail(ErrorKind::invalid, "a header field has a NUL");
  std::size_t from = 0;
  while (from < raw.size()) {
    const auto end = raw.find_first_of("\r\n", from);
    if (end == std::string_view::npos || raw.substr(end, 2) != "\r\n") {
      return fail(ErrorKind::invalid, "a header field has a bare CR or LF, or doesn't end in CRLF");
    }
    from = end + 2;
    if (from < raw.size() && !is_blank(raw[from]))
      return fail(ErrorKind::invalid, "a header field holds a second line that isn't folded");
  }
  return {};
}

}  // namespace

Result<Field> Field::parse(std::string raw) {
  if (!raw.ends_with("\r\n")) return fail(ErrorKind::invalid, "a header field doesn't end in CRLF");
  TRY(check_lines(raw));
  const auto name_end = std::ranges::find_if_not(raw, is_ftext);
  const auto name_octets = static_cast<std::size_t>(name_end - raw.begin());
  if (name_octets == 0) return fail(ErrorKind::invalid, "a header line has no field name");
  // RFC 5322 §4.5: of old, blanks may stand before the colon.
  const auto colon = raw.find_first_not_of(" \t", name_octets);
  if (colon == std::string::npos || raw[colon] != ':')
    return fail(ErrorKind::invalid, "a header line has no colon behind its name");
  return Field(std::move(raw), name_octets);
}

Result<Field> Field::make(std::string_view name, std::string_view value) {
  if (name.empty() || !std::ranges::all_of(name, is_ftext))
    return fail(ErrorKind::invalid, "not a name of a header field");
  std::string raw(name);
  raw += value.empty() ? ":" : ": ";
  raw += value;
  raw += "\r\n";
  // A line of blanks alone is taken by some readers for the end of the header.
  for (std::size_t at = raw.find("\r\n"); at != std::string::npos; at = raw.find("\r\n", at + 2)) {
    const auto next = raw.find_first_not_of(" \t", at + 2);
    if (next != std::string::npos && next > at + 2 && raw.substr(next, 2) == "\r\n")
      return fail(ErrorKind::invalid, "a header field has an empty folded line");
  }
  return parse(std::move(raw));
}

bool Field::is(std::string_view name) const {
  return base::equal_ignoring_case(this->name(), name);
}

std::string_view Field::body() const {
  std::string_view rest(raw_);
  rest.remove_prefix(rest.find(':', name_octets_) + 1);
  rest.remove_suffix(2);
  return rest;
}

std::string Field::unfolded() const {
  std::string out;
  for (const char c : body()) {
    if (c != '\r' && c != '\n') out += c;
  }
  return std::string(base::trim(out));
}

const Field* Header::find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(fields_, [&](const Field& field) { return field.is(name); });
  return found == fields_.end() ? nullptr : &*found;
}

std::vector<const Field*> Header::all(std::string_view name) const {
  std::vector<const Field*> found;
  for (const auto& field : fields_) {
    if (field.is(name)) found.push_back(&field);
  }
  return found;
}

std::size_t Header::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(fields_, [&](const Field& field) { return field.is(name); }));
}

std::size_t Header::remove(std::string_view name) {
  return std::erase_if(fields_, [&](const Field& field) { return field.is(name); });
}

std::size_t Header::remove_bcc() {
  return remove("Bcc") + remove("Resent-Bcc");
}

std::string Header::text() const {
  std::string out;
  for (const auto& field : fields_) out += field.raw();
  switch (end_) {
    case End::empty_line:
      return out + "\r\n";
    case End::content_ended:
      return out;
    // Fields that were added must not flow into the body.
    case End::body_without_it:
      return fields_.empty() ? out : out + "\r\n";
  }
  return out;
}

}  // namespace letterlock::message
