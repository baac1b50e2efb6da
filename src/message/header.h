// A message's header: its fields in order, each as the octets it came in. What isn't touched is
// written as it was read, to the octet.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace letterlock::message {

// One field: "Subject: figures\r\n", folds included.
class Field {
 public:
  // From the octets of one whole field. Errors: invalid (no name, no colon, a NUL, a bare CR or LF,
  // a line that would be a field or a header's end of its own). RFC: 5322 sections 2.2 and 4.5.
  static base::Result<Field> parse(std::string raw);
  // "name: value", CRLF added; `value` may be folded. Errors: as parse. So a value can't begin
  // another field or end the header.
  static base::Result<Field> make(std::string_view name, std::string_view value);

  std::string_view name() const { return std::string_view(raw_).substr(0, name_octets_); }
  bool is(std::string_view name) const;  // in any case
  const std::string& raw() const { return raw_; }
  // Behind the colon, as it came, without the last CRLF.
  std::string_view body() const;
  // The body with its folds taken out and without spaces around it. RFC: 5322 section 2.2.3.
  std::string unfolded() const;
  bool operator==(const Field&) const = default;

 private:
  Field(std::string raw, std::size_t name_octets)
      : raw_(std::move(raw)), name_octets_(name_octets) {}

  std::string raw_;
  std::size_t name_octets_ = 0;
};

class Header {
 public:
  // How the header ended in the message that it came from.
  enum class End {
    empty_line,       // as it should
    content_ended,    // a message of fields alone
    body_without_it,  // the first line that is no field began the body (RFC 5322 §2.1 forbids it)
  };

  Header() = default;
  Header(std::vector<Field> fields, End end) : fields_(std::move(fields)), end_(end) {}

  const std::vector<Field>& fields() const { return fields_; }
  End end() const { return end_; }
  // The first of that name in any case, or null.
  const Field* find(std::string_view name) const;
  std::vector<const Field*> all(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  void prepend(Field field) { fields_.insert(fields_.begin(), std::move(field)); }
  void append(Field field) { fields_.push_back(std::move(field)); }
  // How many there were. Takes linear time.
  std::size_t remove(std::string_view name);
  // Bcc and Resent-Bcc: their readers were to stay unseen. RFC: 5322 sections 3.6.3 and 3.6.6.
  std::size_t remove_bcc();
  // Of Received, for loops. RFC: 5321 section 6.3.
  std::size_t received_count() const { return count("Received"); }

  // The fields, and the empty line where there was one or where the body needs one before it.
  std::string text() const;

 private:
  std::vector<Field> fields_;
  End end_ = End::empty_line;
};

}  // namespace letterlock::message
