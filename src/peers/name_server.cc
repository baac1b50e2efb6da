#include "peers/name_server.h"

#include <array>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"

namespace letterlock::peers {
namespace {

constexpr unsigned type_a = 1, type_cname = 5, type_soa = 6, type_mx = 15, type_txt = 16,
                   type_aaaa = 28;
constexpr unsigned class_in = 1;
constexpr unsigned answer_bits = 0x8400;  // an answer, authoritative
constexpr unsigned no_such_name = 3;
constexpr unsigned time_to_live = 300, time_to_live_of_nothing = 60;
constexpr std::ptrdiff_t question_octets_min = 17;
constexpr std::size_t header_octets = 12;

std::string wire_record(std::string_view owner, unsigned type, unsigned seconds,
                        std::string_view rdata) {
  return wire_name(owner) + wire_number(type) + wire_number(class_in) + wire_number(0) +
         wire_number(seconds) + wire_number(static_cast<unsigned>(rdata.size())) +
         std::string(rdata);
}

}  // namespace

std::string wire_name(std::string_view name) {
  std::string octets;
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    octets += static_cast<char>(label.size());
    octets += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return octets + '\0';
}

std::string wire_number(unsigned number) {
  return {static_cast<char>(number >> 8U), static_cast<char>(number)};
}

base::Result<std::unique_ptr<NameServer>> NameServer::start() {
  os::Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  os::Descriptor bell(::eventfd(0, EFD_CLOEXEC));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (!socket || !bell ||
      ::bind(socket.number(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return base::fail(base::ErrorKind::io, "no socket for a name server on loopback");
  return std::unique_ptr<NameServer>(
      new NameServer(std::move(socket), std::move(bell), ntohs(address.sin_port)));
}

NameServer::NameServer(os::Descriptor socket, os::Descriptor bell, std::uint16_t port)
    : socket_(std::move(socket)),
      bell_(std::move(bell)),
      port_(port),
      thread_([this] { serve(); }) {}

NameServer::~NameServer() {
  const std::uint64_t one = 1;
  (void)!::write(bell_.number(), &one, sizeof one);
  thread_.join();
}

void NameServer::mx(const std::string& owner, std::uint16_t preference, std::string_view host) {
  record(owner, type_mx, wire_number(preference) + wire_name(host));
}

void NameServer::address(const std::string& owner, const net::IpAddress& address) {
  record(owner, address.is_v4() ? type_a : type_aaaa, std::string(address.octets()));
}

void NameServer::txt(const std::string& owner, std::string_view text) {
  record(owner, type_txt, static_cast<char>(text.size()) + std::string(text));
}

void NameServer::record(const std::string& owner, unsigned type, const std::string& rdata) {
  const std::scoped_lock lock(mutex_);
  records_[{owner, type}] += wire_record(owner, type, time_to_live, rdata);
  ++counts_[{owner, type}];
  for (std::string_view name = owner;; name.remove_prefix(name.find('.') + 1)) {
    names_.emplace(name);
    if (name.find('.') == std::string_view::npos) break;
  }
}

void NameServer::message(const std::string& name, unsigned type, const std::string& octets) {
  const std::scoped_lock lock(mutex_);
  messages_[{name, type}] = octets;
}

void NameServer::silent(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  silent_.insert(name);
}

void NameServer::rcode(const std::string& name, unsigned code) {
  const std::scoped_lock lock(mutex_);
  rcodes_[name] = code;
}

void NameServer::serve() {
  std::array<pollfd, 2> waits{{{socket_.number(), POLLIN, 0}, {bell_.number(), POLLIN, 0}}};
  while (true) {
    if (::poll(waits.data(), waits.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (waits[1].revents != 0) return;
    std::array<char, 2048> buffer;
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const auto count = ::recvfrom(socket_.number(), buffer.data(), buffer.size(), 0,
                                  reinterpret_cast<sockaddr*>(&from), &size);
    if (count < question_octets_min) continue;
    ++questions_;
    const auto said = answer({buffer.data(), static_cast<std::size_t>(count)});
    if (!said.empty())
      ::sendto(socket_.number(), said.data(), said.size(), 0, reinterpret_cast<sockaddr*>(&from),
               size);
  }
}

std::string NameServer::answer(std::string_view asked) {
  std::string name;
  std::size_t at = header_octets;
  while (at < asked.size() && asked[at] != 0) {
    const auto length = static_cast<unsigned char>(asked[at]);
    if (!name.empty()) name += '.';
    name += asked.substr(at + 1, length);
    at += length + 1U;
  }
  if (at + 5 > asked.size()) return "";
  name = base::to_lower(name);
  const unsigned type =
      static_cast<unsigned char>(asked[at + 1]) << 8U | static_cast<unsigned char>(asked[at + 2]);
  const std::scoped_lock lock(mutex_);
  if (silent_.contains(name)) return "";
  const auto id = std::string(asked.substr(0, 2));
  if (const auto whole = messages_.find({name, type}); whole != messages_.end())
    return id + whole->second.substr(2);
  return id + built(name, type, std::string(asked.substr(header_octets, at + 5 - header_octets)));
}

// Without records the answer carries the SOA that says so (RFC 2308 §3).
std::string NameServer::built(const std::string& name, unsigned type, const std::string& question) {
  const auto alias = records_.contains({name, type_cname}) ? type_cname : type;
  const auto found = records_.find({name, alias});
  unsigned code = found == records_.end() && !names_.contains(name) ? no_such_name : 0;
  if (const auto told = rcodes_.find(name); told != rcodes_.end()) code = told->second;
  const bool has = found != records_.end() && code == 0;
  const auto count = has ? counts_[{name, alias}] : 0;
  auto message = wire_number(answer_bits | code) + wire_number(1) + wire_number(count) +
                 wire_number(has ? 0 : 1) + wire_number(0) + question;
  if (has) return message + found->second;
  const auto last_dot = name.rfind('.');
  const auto before = last_dot == std::string::npos || last_dot == 0
                          ? std::string::npos
                          : name.rfind('.', last_dot - 1);
  const auto zone = before == std::string::npos ? name : name.substr(before + 1);
  const auto soa = wire_name("ns.test") + wire_name("h.test") + std::string(20, '\1');
  return message + wire_record(zone, type_soa, time_to_live_of_nothing, soa);
}

}  // namespace letterlock::peers
