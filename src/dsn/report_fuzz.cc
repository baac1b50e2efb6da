// Any strings in a report: its header can be read, its lines end in CRLF and are short enough, and
// no boundary stands where none was put.
#include "dsn/report.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/utf8.h"
#include "message/header_parser.h"

using namespace letterlock;

namespace {

// The next string of the input, up to an octet that UTF-8 never has.
std::string take(std::string_view& input) {
  const auto end = input.find('\xFE');
  const std::string piece(input.substr(0, end));
  input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  return piece;
}

dsn::RecipientReport recipient_of(std::string_view& input) {
  dsn::RecipientReport recipient;
  recipient.final_recipient = *address::Address::parse("bob@birch.example");
  if (auto address = address::Address::parse(take(input))) recipient.final_recipient = *address;
  recipient.original_recipient = take(input);
  recipient.action = static_cast<dsn::Action>(take(input).size() % 5);
  recipient.remote_mta = take(input);
  recipient.diagnostic = take(input);
  if (!input.empty())
    recipient.refusal = dsn::Refusal{take(input),
                                     take(input),
                                     take(input),
                                     {{take(input), take(input), {}, {}, 2}},
                                     take(input),
                                     take(input),
                                     3};
  return recipient;
}

void check_lines(std::string_view text) {
  std::size_t used = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    ASSERT(text[i] != '\0' && static_cast<unsigned char>(text[i]) < 0x80);
    ASSERT((text[i] == '\n') == (i > 0 && text[i - 1] == '\r'));
    used = text[i] == '\n' ? 0 : used + 1;
    ASSERT(used <= 999);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  dsn::Report report;
  report.from = report.to = *address::Address::parse("alice@acorn.example");
  report.boundary = "b0undary";
  report.smtputf8 = size % 2 == 0;
  report.message_id = "<r1@acorn.example>";
  report.original_message_id = take(input);
  report.envid = take(input);
  report.trace_id = take(input);
  report.reporting_mta = take(input);
  report.original_subject = take(input);
  report.recipients.push_back(recipient_of(input));
  if (!input.empty()) report.recipients.push_back(recipient_of(input));
  const auto parts = dsn::compose(report);
  ASSERT(!parts.is_8bit);
  check_lines(parts.head);
  message::HeaderParser parser;
  ASSERT(parser.feed(parts.head) && parser.is_done());
  const auto header = parser.take_header();
  ASSERT(header.count("To") == 1 && header.count("Subject") == 1 && header.find("Bcc") == nullptr);
  const auto rest = parser.take_rest();
  std::size_t boundaries = 0;
  for (auto found = rest.find("\r\n--b0undary"); found != std::string::npos;
       found = rest.find("\r\n--b0undary", found + 1))
    ++boundaries;
  ASSERT(boundaries == 3);
  return 0;
}
