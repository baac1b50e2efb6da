// The four messages of SCRAM and what is computed of them: shared by server and client, for
// SCRAM-SHA-256 with and without channel binding. RFC: 5802 sections 3, 5, 7; 7677; 9266.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "sasl/keys.h"

namespace letterlock::sasl::scram {

inline constexpr std::string_view binding_name = "tls-exporter";

// What the client says of channel binding, and for whom it acts.
struct Gs2Header {
  enum class Flag {
    unsupported,  // n: the client has none
    unoffered,    // y: the client could, and thinks that the server can't
    bound,        // p=: used, of the kind `binding`
  };
  Flag flag = Flag::unsupported;
  std::string binding;
  std::string authzid;  // empty: the user itself
  bool operator==(const Gs2Header&) const = default;
};
// With its trailing comma: "n,,", "p=tls-exporter,a=alice,".
std::string to_text(const Gs2Header& header);

struct ClientFirst {
  Gs2Header gs2;
  std::string user;  // unescaped
  std::string nonce;
  std::string bare;  // as it stood, for the AuthMessage
};
// Errors: invalid. Extensions are ignored, a mandatory one (m=) is refused.
base::Result<ClientFirst> parse_client_first(base::BytesView octets);
std::string client_first_bare(std::string_view user, std::string_view nonce);

struct ServerFirst {
  std::string nonce;
  base::Bytes salt;
  unsigned rounds = 0;
};
base::Result<ServerFirst> parse_server_first(base::BytesView octets);
std::string to_text(const ServerFirst& message);

struct ClientFinal {
  base::Bytes binding;  // gs2 header and channel binding octets
  std::string nonce;
  base::Bytes proof;          // 32 octets
  std::string without_proof;  // as it stood, for the AuthMessage
};
base::Result<ClientFinal> parse_client_final(base::BytesView octets);
std::string client_final_without_proof(base::BytesView binding, std::string_view nonce);

// The server's signature. Errors: invalid; denied (the server says e=).
base::Result<base::Bytes> parse_server_final(base::BytesView octets);

// ClientKey XOR ClientSignature.
base::Bytes client_proof(base::BytesView client_key, base::BytesView stored_key,
                         std::string_view auth_message);
// True if the proof was made with the key that `stored_key` is the digest of. Constant time.
bool proof_fits(base::BytesView proof, base::BytesView stored_key, std::string_view auth_message);

}  // namespace letterlock::sasl::scram
