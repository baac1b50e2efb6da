#include "sasl/plain.h"

#include "sasl/mechanism.h"

namespace letterlock::sasl {

base::Result<PlainMessage> parse_plain(base::BytesView octets) {
  const auto wrong = [](const char* what) { return base::fail(base::ErrorKind::invalid, what); };
  if (octets.size() > message_octets_max) return wrong("PLAIN: message too long");
  const auto first = octets.find('\0');
  const auto second = first == base::BytesView::npos ? first : octets.find('\0', first + 1);
  if (second == base::BytesView::npos) return wrong("PLAIN: not three parts");
  const auto password = octets.substr(second + 1);
  if (password.find('\0') != base::BytesView::npos) return wrong("PLAIN: more than three parts");
  PlainMessage message{std::string(octets.substr(0, first)),
                       std::string(octets.substr(first + 1, second - first - 1)),
                       std::string(password)};
  if (message.user.empty() || message.password.empty())
    return wrong("PLAIN: empty user or password");
  if (message.user.size() > user_octets_max || message.authzid.size() > user_octets_max)
    return wrong("PLAIN: name too long");
  if (message.password.size() > password_octets_max) return wrong("PLAIN: password too long");
  return message;
}

base::Bytes to_octets(const PlainMessage& message) {
  base::Bytes octets = message.authzid;
  octets += '\0';
  octets += message.user;
  octets += '\0';
  octets += message.password;
  return octets;
}

}  // namespace letterlock::sasl
