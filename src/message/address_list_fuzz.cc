// Any octets as an address field and as a value with encoded words: refused, or values that can be
// written and read again; texts for people are always clean.
#include "message/address_list.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/utf8.h"
#include "message/words.h"

using namespace letterlock;

namespace {

void check_clean(std::string_view text) {
  ASSERT(base::is_utf8(text));
  for (const char c : text) ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_clean(message::display_text(text));
  ASSERT(message::Field::make("Subject", message::encode_text(text, 7)));
  const auto list = message::parse_address_list(text);
  if (!list) return 0;
  std::string written;
  for (const auto& mailbox : list->mailboxes) {
    check_clean(mailbox.display_name);
    if (!written.empty()) written += ",\r\n ";
    written += message::encode_phrase(mailbox.display_name) + " " + mailbox.address.path();
  }
  const auto again = message::parse_address_list(written);
  ASSERT(again && again->mailboxes.size() == list->mailboxes.size());
  for (std::size_t i = 0; i < list->mailboxes.size(); ++i)
    ASSERT(again->mailboxes[i].address == list->mailboxes[i].address);
  return 0;
}
