#include "sasl/keys.h"

#include <charconv>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/digest.h"

namespace letterlock::sasl {
namespace {

auto corrupt(const char* what) {
  return base::fail(base::ErrorKind::corrupt, fmt::format("SCRAM keys: {}", what));
}

// The text before `mark`, which is taken from `rest` together with the mark; all of it if there is
// none.
std::string_view until(std::string_view& rest, char mark) {
  const auto at = rest.find(mark);
  const auto head = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return head;
}

}  // namespace

ScramKeys derive(std::string_view password, base::BytesView salt, unsigned rounds) {
  ASSERT(rounds > 0 && rounds <= rounds_max);
  // RFC 5802 §3: SaltedPassword, ClientKey, StoredKey, ServerKey.
  const auto salted = base::pbkdf2_sha256(password, salt, rounds);
  return {base::Bytes(salt), rounds, base::sha256(base::hmac_sha256(salted, "Client Key")),
          base::hmac_sha256(salted, "Server Key")};
}

ScramKeys keys_shown(std::string_view password, const ScramKeys& like) {
  const auto prepared = prepare(password);
  // An unusable password costs what a wrong one costs.
  auto shown = derive(prepared ? std::string_view(*prepared) : std::string_view("?"), like.salt,
                      like.rounds);
  if (!prepared) shown.stored_key.clear();
  return shown;
}

bool fit(const ScramKeys& shown, const ScramKeys& keys) {
  return shown.salt == keys.salt && shown.rounds == keys.rounds &&
         base::equal_in_constant_time(shown.stored_key, keys.stored_key);
}

ScramKeys fake_keys(base::BytesView secret, std::string_view user, unsigned rounds) {
  ASSERT(secret.size() >= 16);
  const auto part = [&](std::string_view label) {
    return base::hmac_sha256(secret, fmt::format("sasl fake {} {}", label, user));
  };
  return {part("salt").substr(0, 16), rounds, part("stored"), part("server")};
}

std::string to_text(const ScramKeys& keys) {
  return fmt::format("SCRAM-SHA-256${}:{}${}:{}", keys.rounds, base::to_base64(keys.salt),
                     base::to_base64(keys.stored_key), base::to_base64(keys.server_key));
}

base::Result<ScramKeys> keys_from_text(std::string_view text) {
  if (until(text, '$') != "SCRAM-SHA-256") return corrupt("another scheme");
  auto first = until(text, '$');
  const auto rounds_text = until(first, ':');
  ScramKeys keys;
  const auto* end = rounds_text.data() + rounds_text.size();
  const auto [stop, error] = std::from_chars(rounds_text.data(), end, keys.rounds);
  if (error != std::errc() || stop != end || keys.rounds == 0 || keys.rounds > rounds_max)
    return corrupt("rounds");
  const auto stored = until(text, ':');
  keys.salt = TRY(base::from_base64(first));
  keys.stored_key = TRY(base::from_base64(stored));
  keys.server_key = TRY(base::from_base64(text));
  if (keys.salt.empty() || keys.salt.size() > 64) return corrupt("salt");
  if (keys.stored_key.size() != base::Sha256::octets ||
      keys.server_key.size() != base::Sha256::octets)
    return corrupt("key size");
  return keys;
}

std::string nonce_from(base::BytesView random_octets) {
  return base::to_base64(random_octets);
}

}  // namespace letterlock::sasl
