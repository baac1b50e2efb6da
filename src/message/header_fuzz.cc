// Any octets as content, cut anywhere: refused, or every octet comes back; the same however it is
// cut.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "message/header_parser.h"
#include "message/trace_fields.h"

using namespace letterlock;

namespace {

base::Result<std::string> read(std::string_view content, std::size_t chunk_octets) {
  message::HeaderParser parser;
  while (!content.empty() && !parser.is_done()) {
    const auto chunk = content.substr(0, chunk_octets);
    TRY(parser.feed(chunk));
    content.remove_prefix(chunk.size());
  }
  TRY(parser.finish());
  const auto header = parser.take_header();
  for (const auto& field : header.fields()) {
    ASSERT(message::Field::parse(field.raw()) == field);
    ASSERT(field.unfolded().find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
  (void)message::message_id(header);
  (void)message::subject(header);
  return header.text() + parser.take_rest() + std::string(content);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view content(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto whole = read(content, std::string_view::npos);
  const auto pieces = read(content, 1U + data[0] % 64U);
  ASSERT(whole.has_value() == pieces.has_value());
  if (whole) ASSERT(*whole == content && *pieces == content);
  return 0;
}
