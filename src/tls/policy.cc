#include "tls/policy.h"

#include <array>

#include <openssl/err.h>

#include "base/digest.h"
#include "tls/identity.h"
#include "tls/server_name.h"

namespace letterlock::tls {
namespace {

// RFC 9325 §4.2: forward secrecy and AEAD alone. ECDSA before RSA, 256 bits before 128.
constexpr const char* ciphers_1_2 =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";
// The hybrid first where this OpenSSL knows it (3.5 on); it resists a recorder with a quantum
// computer.
constexpr const char* groups_hybrid = "X25519MLKEM768:X25519:P-256:P-384";
constexpr const char* groups_classic = "X25519:P-256:P-384";
// A peer's chain of certificates, in octets.
constexpr long chain_octets_max = 64 * 1024;

bool set_groups(SSL_CTX* context) {
  if (SSL_CTX_set1_groups_list(context, groups_hybrid) == 1) return true;
  ERR_clear_error();
  return SSL_CTX_set1_groups_list(context, groups_classic) == 1;
}

ContextHandle make_context(const SSL_METHOD* method) {
  ContextHandle context(SSL_CTX_new(method));
  if (!context) return nullptr;
  auto* raw = context.get();
  // RFC 9325 §3.1.1: no older version. §3.3: no compression. §3.5: no renegotiation.
  SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(raw, chain_octets_max);
  const bool set = SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) == 1 &&
                   SSL_CTX_set_cipher_list(raw, ciphers_1_2) == 1 && set_groups(raw);
  if (!set) return nullptr;
  return context;
}

std::string_view extension_of(SSL* ssl, unsigned type) {
  const unsigned char* octets = nullptr;
  std::size_t count = 0;
  if (SSL_client_hello_get0_ext(ssl, type, &octets, &count) != 1) return {};
  return {reinterpret_cast<const char*>(octets), count};
}

// Before anything is decided: which name, so which certificate, and whose tickets are taken. A
// ticket resumes only in the scope, for the name and with the key that it was given under.
int choose_identity(SSL* ssl, int* alert, void*) {
  auto& engine = Engine::of(ssl);
  *alert = SSL_AD_INTERNAL_ERROR;
  engine.server_name = parse_server_name(extension_of(ssl, TLSEXT_TYPE_server_name));
  std::string scope = engine.server->resumption_scope + '\0' + engine.server_name;
  for (const auto& identity : engine.certificates->choose(engine.server_name)) {
    scope += '\0' + identity->key_digest;
    if (SSL_use_cert_and_key(ssl, identity->leaf.get(), identity->key.get(), identity->chain.get(),
                             1) != 1)
      return SSL_CLIENT_HELLO_ERROR;
  }
  const auto digest = base::sha256(scope);
  const auto* octets = reinterpret_cast<const unsigned char*>(digest.data());
  return SSL_set_session_id_context(ssl, octets, static_cast<unsigned>(digest.size())) == 1
             ? SSL_CLIENT_HELLO_SUCCESS
             : SSL_CLIENT_HELLO_ERROR;
}

// RFC 7301 §3.2: a client that offers protocols, none of them ours, is refused.
int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_octets,
                    const unsigned char* offered, unsigned octets, void*) {
  const auto& wanted = Engine::of(ssl).server->alpn;
  if (wanted.empty()) return SSL_TLSEXT_ERR_NOACK;
  for (unsigned at = 0; at < octets; at += 1U + offered[at]) {
    const std::string_view name(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
    if (name != wanted) continue;
    *chosen = offered + at + 1;
    *chosen_octets = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// No authority of ours stands behind a client's certificate, and its dates and names decide
// nothing: who asked for it knows keys. So a client that shows one that nobody knows, or an old
// one, goes on as if it had shown none.
int take_any_certificate(X509_STORE_CTX* context, void*) {
  X509_STORE_CTX_set_error(context, X509_V_OK);
  return 1;
}

}  // namespace

ContextHandle make_server_context() {
  auto context = make_context(TLS_server_method());
  if (!context) return nullptr;
  SSL_CTX_set_client_hello_cb(context.get(), choose_identity, nullptr);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  SSL_CTX_set_cert_verify_callback(context.get(), take_any_certificate, nullptr);
  if (SSL_CTX_set_num_tickets(context.get(), 1) != 1) return nullptr;
  return context;
}

ContextHandle make_client_context() {
  auto context = make_context(TLS_client_method());
  if (!context || SSL_CTX_dane_enable(context.get()) != 1) return nullptr;
  return context;
}

void set_version_min(SSL* ssl, hop::TlsVersion version) {
  if (version == hop::TlsVersion::tls1_3) (void)SSL_set_min_proto_version(ssl, TLS1_3_VERSION);
}

void ask_certificate(SSL* ssl) {
  // Without SSL_VERIFY_FAIL_IF_NO_PEER_CERT: who has none isn't asked again, and goes on.
  SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
}

base::Result<> show_certificate(SSL* ssl, const std::string& file) {
  const auto identity = TRY(read_identity({.names = {}, .chain_file = file, .key_file = file}));
  if (SSL_use_cert_and_key(ssl, identity.leaf.get(), identity.key.get(), identity.chain.get(), 1) !=
      1) {
    ERR_clear_error();
    return base::fail(base::ErrorKind::invalid, file + " can't be shown as a client's certificate");
  }
  return {};
}

void offer_alpn(SSL* ssl, const std::string& protocol) {
  if (protocol.empty() || protocol.size() > 255) return;
  const auto list = static_cast<char>(protocol.size()) + protocol;
  (void)SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(list.data()),
                            static_cast<unsigned>(list.size()));
}

hop::TlsFacts facts_of(const SSL* ssl) {
  // OpenSSL's questions want a non-const session, and change nothing.
  auto* session = const_cast<SSL*>(ssl);
  hop::TlsFacts facts;
  facts.version =
      SSL_version(ssl) == TLS1_3_VERSION ? hop::TlsVersion::tls1_3 : hop::TlsVersion::tls1_2;
  if (const auto* cipher = SSL_get_current_cipher(ssl)) {
    const char* name = SSL_CIPHER_standard_name(cipher);
    facts.cipher = name != nullptr ? name : SSL_CIPHER_get_name(cipher);
  }
  const char* group =
      SSL_group_to_name(session, static_cast<int>(SSL_get_negotiated_group(session)));
  facts.group = group != nullptr ? group : "";
  if (facts.group == "x25519") facts.group = "X25519";
  facts.post_quantum = facts.group.contains("MLKEM");
  return facts;
}

}  // namespace letterlock::tls
