// A stranger's words in the Received field that we write: one field, in lines that fit, that ends
// the header for nobody and gives away no second field.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/time.h"
#include "message/header_parser.h"
#include "message/trace_fields.h"

using namespace letterlock;

namespace {

std::string take(std::string_view& input) {
  const auto end = input.find('\xFE');
  const std::string piece(input.substr(0, end));
  input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  return piece;
}

void check_lines(std::string_view text) {
  std::size_t used = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    ASSERT(text[i] != '\0' && (text[i] == '\n') == (i > 0 && text[i - 1] == '\r'));
    used = text[i] == '\n' ? 0 : used + 1;
    ASSERT(used <= 999);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  message::Reception reception;
  reception.client = message::Reception::Client{take(input), "192.0.2.1", take(input)};
  reception.by = "mx.acorn.example";
  reception.with = {.extended = size % 2 == 0, .tls = size % 3 == 0, .smtputf8 = size % 5 == 0};
  reception.tls_cipher = take(input);
  reception.tls_group = take(input);
  reception.id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  if (auto address = address::Address::parse(take(input))) reception.recipient = *address;
  reception.time = base::from_milliseconds(1'793'577'600'000);
  const auto field = message::received_field(reception);
  ASSERT(message::Field::parse(field.raw()) == field);
  check_lines(field.raw());
  // On top of another header it is one field more, and the loop's counter counts it.
  message::HeaderParser parser;
  ASSERT(parser.feed(field.raw() + "Subject: x\r\n\r\n") && parser.finish() && parser.is_done());
  const auto header = parser.take_header();
  ASSERT(header.fields().size() == 2 && header.received_count() == 1 &&
         header.end() == message::Header::End::empty_line);
  return 0;
}
