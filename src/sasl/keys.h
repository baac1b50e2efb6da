// What is kept of a password: SCRAM-SHA-256 keys. They check a SCRAM proof or a PLAIN password;
// neither opens any other service, and the password itself is nowhere.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "sasl/mechanism.h"

namespace letterlock::sasl {

// RFC: 5802 section 3.
struct ScramKeys {
  base::Bytes salt;  // 16 octets for those we make
  unsigned rounds = 0;
  base::Bytes stored_key;  // 32 octets
  base::Bytes server_key;  // 32 octets
  bool operator==(const ScramKeys&) const = default;
};

// `password` as prepare() returns it. About 0.33 microseconds a round: run it on workers.
ScramKeys derive(std::string_view password, base::BytesView salt, unsigned rounds = rounds_default);

// What keys with this salt and these rounds would be made of `password`, as the client sent it; of
// an unusable password, for the same work, keys that are nobody's. Compare them with fit(). As slow
// as derive(); for unknown users ask with fake_keys(), so that they take the same time.
ScramKeys keys_shown(std::string_view password, const ScramKeys& like);
// In constant time; both of one salt and as many rounds.
bool fit(const ScramKeys& shown, const ScramKeys& keys);

// Keys of a user who isn't there: the same for the same name, different for another, and no
// password fits them. `secret` is the site's, at least 16 octets, and never changes.
ScramKeys fake_keys(base::BytesView secret, std::string_view user,
                    unsigned rounds = rounds_default);

// "SCRAM-SHA-256$100000:<salt>$<StoredKey>:<ServerKey>", all base64. RFC: 5803 section 2.
std::string to_text(const ScramKeys& keys);
// Errors: corrupt (another form, sizes or rounds out of bounds).
base::Result<ScramKeys> keys_from_text(std::string_view text);

// A user name or password in the form that is compared and hashed: SASLprep, with NFKC.
// Errors: invalid (empty, too long, not UTF-8, a character that RFC 4013 prohibits, directions
// that are mixed). Limits: 1,024 octets in and out. RFC: 4013 section 2.
// RFC 4013 §2.5 deviation: what Unicode 3.2 hadn't assigned is let through in stored passwords too,
// unchanged: whoever chose a newer character signs in with the same one.
base::Result<std::string> prepare(std::string_view text);

// Random octets as a nonce: base64, so printable and without a comma. 18 octets make 24 characters.
std::string nonce_from(base::BytesView random_octets);

}  // namespace letterlock::sasl
