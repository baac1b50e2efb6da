// A command line: whatever is read is written as it is read; nothing else happens.
#include "smtp/command.h"

#include <cstdint>
#include <string>

#include "base/assert.h"
#include "smtp/client.h"

namespace smtp = letterlock::smtp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  (void)smtp::is_foreign_protocol(line);
  const smtp::CommandContext context{
      .utf8 = smtp::CommandContext::Utf8::accepted,
      .own_domain = *letterlock::address::Domain::parse("mx.example"),
      .offers_require_tls = true,
      .offers_auth = true};
  const auto parsed = smtp::parse_command(line, context);
  if (const auto* refused = std::get_if<smtp::Refused>(&parsed)) {
    ASSERT(refused->reply.code >= 500 && refused->reply.status->is_permanent());
    return 0;
  }
  auto command = std::get<smtp::Command>(parsed);
  std::string written = smtp::to_line(command);
  ASSERT(written.ends_with("\r\n"));
  written.resize(written.size() - 2);
  ASSERT(written.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  // An ORCPT whose other form is too long is left out.
  auto* rcpt = std::get_if<smtp::Rcpt>(&command);
  if (rcpt != nullptr && !written.contains(" ORCPT=")) rcpt->dsn.original_recipient.clear();
  const auto again = smtp::parse_command(written, context);
  ASSERT(std::holds_alternative<smtp::Command>(again));
  ASSERT(std::get<smtp::Command>(again) == command);
  return 0;
}
