#include "bench/wire.h"

#include <cstdio>
#include <cstdlib>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

namespace letterlock::bench {
namespace {

constexpr std::size_t read_octets = 16 * 1024;

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  ERR_print_errors_fp(stderr);
  std::exit(2);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

}  // namespace

Context client_context() {
  Context context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

Context server_context(const std::string& chain, const std::string& key) {
  Context context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  if (SSL_CTX_use_certificate_chain_file(context.get(), chain.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1)
    give_up("the certificate can't be used");
  return context;
}

int listen_on(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  if (socket < 0) give_up("no socket is to be had");
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto address = loopback(port);
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket, 1024) != 0)
    give_up("the port can't be listened at");
  return socket;
}

Wire::Wire(int socket) : socket_(socket) {
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Wire::~Wire() {
  session_.reset();
  ::close(socket_);
}

int Wire::connect(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  if (socket < 0) return -1;
  const auto address = loopback(port);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return socket;
  ::close(socket);
  return -1;
}

bool Wire::begin_tls(SSL_CTX* context, bool is_server) {
  session_.reset(SSL_new(context));
  SSL_set_fd(session_.get(), socket_);
  return (is_server ? SSL_accept(session_.get()) : SSL_connect(session_.get())) == 1;
}

bool Wire::fill() {
  if (begin_ > 0) buffer_.erase(0, begin_);
  begin_ = 0;
  const auto had = buffer_.size();
  buffer_.resize(had + read_octets);
  const auto got =
      session_ ? SSL_read(session_.get(), buffer_.data() + had, static_cast<int>(read_octets))
               : static_cast<int>(::recv(socket_, buffer_.data() + had, read_octets, 0));
  buffer_.resize(had + static_cast<std::size_t>(got > 0 ? got : 0));
  return got > 0;
}

bool Wire::line(std::string_view& out) {
  while (true) {
    const auto end = buffer_.find("\r\n", begin_);
    if (end != std::string::npos) {
      out = std::string_view(buffer_).substr(begin_, end - begin_);
      begin_ = end + 2;
      return true;
    }
    if (!fill()) return false;
  }
}

bool Wire::some(std::string_view& out) {
  if (!has_more() && !fill()) return false;
  out = std::string_view(buffer_).substr(begin_);
  begin_ = buffer_.size();
  return true;
}

bool Wire::send(std::string_view octets) {
  while (!octets.empty()) {
    const auto sent =
        session_ ? SSL_write(session_.get(), octets.data(), static_cast<int>(octets.size()))
                 : static_cast<int>(::send(socket_, octets.data(), octets.size(), MSG_NOSIGNAL));
    if (sent <= 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace letterlock::bench
