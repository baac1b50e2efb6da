// Any octets as each parameter: refused, or read, written and read again to the same.
#include "dsn/params.h"

#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "dsn/status.h"

using namespace letterlock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ASSERT(dsn::decode_xtext(dsn::encode_xtext(text)) == std::string(text));
  if (const auto notify = dsn::parse_notify(text))
    ASSERT(dsn::parse_notify(dsn::to_text(*notify)) == *notify);
  if (const auto envid = dsn::parse_envid(text))
    ASSERT(dsn::parse_envid(dsn::format_envid(*envid)) == *envid);
  if (const auto status = dsn::Status::parse(text))
    ASSERT(dsn::Status::parse(status->text()) == *status);
  if (const auto recipient = dsn::parse_original_recipient(text)) {
    for (const char c : *recipient) ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
    for (const auto utf8 : {dsn::Utf8::no, dsn::Utf8::yes}) {
      const auto written = dsn::format_original_recipient(*recipient, utf8);
      ASSERT(written.empty() || dsn::parse_original_recipient(written) == *recipient);
    }
  }
  return 0;
}
