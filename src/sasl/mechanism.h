// The mechanisms that this platform knows, and the limits of what they exchange.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace letterlock::sasl {

enum class Mechanism { plain, scram_sha_256, scram_sha_256_plus, external };

// "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "EXTERNAL".
std::string_view name(Mechanism mechanism);
// As a client writes it, in any case. RFC: 4422 section 3.1.
std::optional<Mechanism> mechanism_from(std::string_view name);

// RFC 4616 §2 asks for at least 255 octets of each name and password.
inline constexpr std::size_t user_octets_max = 512;
inline constexpr std::size_t password_octets_max = 1024;
inline constexpr std::size_t nonce_octets_max = 256;
// One decoded message of any mechanism.
inline constexpr std::size_t message_octets_max = 4096;
// What we ask of a password's digest, and the bounds of what a peer may ask of us.
inline constexpr unsigned rounds_default = 100'000;
inline constexpr unsigned rounds_min = 4096;  // RFC 7677 §4
inline constexpr unsigned rounds_max = 2'000'000;

// What channel binding takes from the TLS session's exporter, with a context of zero octets (which
// TLS 1.2 tells from none). RFC: 9266 section 2.
inline constexpr std::string_view channel_binding_label = "EXPORTER-Channel-Binding";
inline constexpr std::size_t channel_binding_octets = 32;

}  // namespace letterlock::sasl
