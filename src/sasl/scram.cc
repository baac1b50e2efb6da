#include "sasl/scram.h"

#include <charconv>

#include <fmt/format.h>

#include "base/digest.h"

namespace letterlock::sasl::scram {
namespace {

auto invalid(const char* what) {
  return base::fail(base::ErrorKind::invalid, fmt::format("SCRAM: {}", what));
}

// Takes one comma-separated part after the other.
class Parts {
 public:
  explicit Parts(std::string_view text) : rest_(text) {}
  bool ended() const { return ended_; }
  std::string_view rest() const { return rest_; }
  std::string_view next() {
    const auto at = rest_.find(',');
    const auto part = rest_.substr(0, at);
    ended_ = at == std::string_view::npos;
    rest_ = ended_ ? std::string_view() : rest_.substr(at + 1);
    return part;
  }

 private:
  std::string_view rest_;
  bool ended_ = false;
};

// The value of "x=value"; nothing if the part is another attribute. An empty value is none.
std::optional<std::string_view> value_of(std::string_view part, char attribute) {
  if (part.size() < 3 || part[0] != attribute || part[1] != '=') return std::nullopt;
  return part.substr(2);
}

bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// RFC 5802 §7: extensions are attributes of one letter; unknown ones are ignored, m= isn't.
bool extensions_are_harmless(Parts& parts) {
  while (!parts.ended()) {
    const auto part = parts.next();
    if (part.size() < 3 || !is_letter(part[0]) || part[1] != '=' || part[0] == 'm') return false;
  }
  return true;
}

// RFC 5802 §5.1, r: printable ASCII without comma.
bool is_nonce(std::string_view text, std::size_t octets_max) {
  if (text.empty() || text.size() > octets_max) return false;
  for (const char c : text) {
    if (c < 0x21 || c > 0x7E || c == ',') return false;
  }
  return true;
}

// RFC 5802 §5.1: "," is "=2C" and "=" is "=3D"; "=" before anything else fails the exchange.
std::string escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == ',')
      escaped += "=2C";
    else if (c == '=')
      escaped += "=3D";
    else
      escaped += c;
  }
  return escaped;
}

std::optional<std::string> unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      plain += text[i];
      continue;
    }
    const auto code = text.substr(i, 3);
    if (code == "=2C")
      plain += ',';
    else if (code == "=3D")
      plain += '=';
    else
      return std::nullopt;
    i += 2;
  }
  return plain;
}

base::Result<Gs2Header> parse_gs2(Parts& parts) {
  Gs2Header header;
  const auto flag = parts.next();
  if (flag == "n") {
    header.flag = Gs2Header::Flag::unsupported;
  } else if (flag == "y") {
    header.flag = Gs2Header::Flag::unoffered;
  } else if (const auto kind = value_of(flag, 'p')) {
    header.flag = Gs2Header::Flag::bound;
    for (const char c : *kind) {
      if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '.' && c != '-')
        return invalid("channel binding's name");
    }
    header.binding = *kind;
  } else {
    return invalid("no gs2 header");
  }
  if (parts.ended()) return invalid("gs2 header too short");
  const auto authzid = parts.next();
  if (authzid.empty()) return header;
  const auto value = value_of(authzid, 'a');
  auto plain = value ? unescape(*value) : std::nullopt;
  if (!plain || plain->size() > user_octets_max) return invalid("authzid");
  header.authzid = std::move(*plain);
  return header;
}

}  // namespace

std::string to_text(const Gs2Header& header) {
  std::string text;
  switch (header.flag) {
    case Gs2Header::Flag::unsupported:
      text = "n";
      break;
    case Gs2Header::Flag::unoffered:
      text = "y";
      break;
    case Gs2Header::Flag::bound:
      text = "p=" + header.binding;
      break;
  }
  text += ',';
  if (!header.authzid.empty()) text += "a=" + escape(header.authzid);
  return text + ',';
}

base::Result<ClientFirst> parse_client_first(base::BytesView octets) {
  if (octets.size() > message_octets_max) return invalid("message too long");
  Parts parts(octets);
  ClientFirst message;
  message.gs2 = TRY(parse_gs2(parts));
  if (parts.ended()) return invalid("first message too short");
  message.bare = parts.rest();
  const auto user = value_of(parts.next(), 'n');  // m= comes in its place and is refused with it
  if (!user || parts.ended()) return invalid("no user name");
  auto plain = unescape(*user);
  if (!plain || plain->size() > user_octets_max) return invalid("user name");
  message.user = std::move(*plain);
  const auto nonce = value_of(parts.next(), 'r');
  if (!nonce || !is_nonce(*nonce, nonce_octets_max)) return invalid("client's nonce");
  message.nonce = *nonce;
  if (!extensions_are_harmless(parts)) return invalid("extension");
  return message;
}

std::string client_first_bare(std::string_view user, std::string_view nonce) {
  return fmt::format("n={},r={}", escape(user), nonce);
}

base::Result<ServerFirst> parse_server_first(base::BytesView octets) {
  if (octets.size() > message_octets_max) return invalid("message too long");
  Parts parts(octets);
  ServerFirst message;
  const auto nonce = value_of(parts.next(), 'r');
  if (!nonce || !is_nonce(*nonce, 2 * nonce_octets_max) || parts.ended())
    return invalid("server's nonce");
  message.nonce = *nonce;
  const auto salt = value_of(parts.next(), 's');
  if (!salt || parts.ended()) return invalid("no salt");
  message.salt = TRY(base::from_base64(*salt));
  const auto rounds = value_of(parts.next(), 'i').value_or("");
  const auto* end = rounds.data() + rounds.size();
  const auto [stop, error] = std::from_chars(rounds.data(), end, message.rounds);
  if (error != std::errc() || stop != end || message.rounds == 0) return invalid("rounds");
  if (!extensions_are_harmless(parts)) return invalid("extension");
  return message;
}

std::string to_text(const ServerFirst& message) {
  return fmt::format("r={},s={},i={}", message.nonce, base::to_base64(message.salt),
                     message.rounds);
}

base::Result<ClientFinal> parse_client_final(base::BytesView octets) {
  if (octets.size() > message_octets_max) return invalid("message too long");
  // The proof is the last attribute; base64 holds no comma.
  const auto last = octets.rfind(',');
  if (last == base::BytesView::npos) return invalid("no proof");
  const auto proof = value_of(octets.substr(last + 1), 'p');
  if (!proof) return invalid("no proof");
  ClientFinal message;
  message.proof = TRY(base::from_base64(*proof));
  if (message.proof.size() != base::Sha256::octets) return invalid("proof's size");
  message.without_proof = octets.substr(0, last);
  Parts parts(message.without_proof);
  const auto binding = value_of(parts.next(), 'c');
  if (!binding || parts.ended()) return invalid("no channel binding");
  message.binding = TRY(base::from_base64(*binding));
  const auto nonce = value_of(parts.next(), 'r');
  if (!nonce || !is_nonce(*nonce, 2 * nonce_octets_max)) return invalid("nonce");
  message.nonce = *nonce;
  if (!extensions_are_harmless(parts)) return invalid("extension");
  return message;
}

std::string client_final_without_proof(base::BytesView binding, std::string_view nonce) {
  return fmt::format("c={},r={}", base::to_base64(binding), nonce);
}

base::Result<base::Bytes> parse_server_final(base::BytesView octets) {
  if (octets.size() > message_octets_max) return invalid("message too long");
  Parts parts(octets);
  const auto part = parts.next();
  if (const auto error = value_of(part, 'e')) {
    return base::fail(base::ErrorKind::denied, "SCRAM: the server says " + base::printable(*error));
  }
  const auto signature = value_of(part, 'v');
  if (!signature) return invalid("no signature");
  return base::from_base64(*signature);
}

base::Bytes client_proof(base::BytesView client_key, base::BytesView stored_key,
                         std::string_view auth_message) {
  auto proof = base::hmac_sha256(stored_key, auth_message);
  for (std::size_t i = 0; i < proof.size() && i < client_key.size(); ++i) {
    proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
  }
  return proof;
}

bool proof_fits(base::BytesView proof, base::BytesView stored_key, std::string_view auth_message) {
  // XOR undoes itself: what made the proof from the key makes the key from the proof.
  const auto client_key = client_proof(proof, stored_key, auth_message);
  return proof.size() == client_key.size() &&
         base::equal_in_constant_time(base::sha256(client_key), stored_key);
}

}  // namespace letterlock::sasl::scram
