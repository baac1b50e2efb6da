// A blocking SMTP connection for the load and the sink: a socket, TLS over it when asked, lines in
// and octets out. One thread a connection is the cheapest way to be faster than what is measured.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

namespace letterlock::bench {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSession {
  void operator()(SSL* session) const { SSL_free(session); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;

// Neither checks who the peer is, and neither resumes: what is measured is the server. Ends the
// process if the certificate can't be used.
Context client_context();
Context server_context(const std::string& chain, const std::string& key);

// A listening socket on 127.0.0.1; ends the process if it can't be had.
int listen_on(std::uint16_t port);

class Wire {
 public:
  explicit Wire(int socket);  // taken over
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  // -1: refused.
  static int connect(std::uint16_t port);

  bool begin_tls(SSL_CTX* context, bool is_server);
  // Without its CRLF; valid until the next read. False: the peer is gone.
  bool line(std::string_view& out);
  // Whatever has come, at least one octet; valid until the next read. False: the peer is gone.
  bool some(std::string_view& out);
  bool send(std::string_view octets);
  bool is_secure() const { return session_ != nullptr; }
  // The last octets that some() gave come again.
  void give_back(std::size_t octets) { begin_ -= octets; }
  bool has_more() const { return begin_ < buffer_.size(); }

 private:
  bool fill();
  int socket_;
  std::unique_ptr<SSL, FreeSession> session_;
  std::string buffer_;
  std::size_t begin_ = 0;
};

}  // namespace letterlock::bench
