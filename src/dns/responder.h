// A tiny name server for tests: one UDP socket on loopback, answers from a table, on a thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "net/endpoint.h"
#include "os/descriptor.h"

namespace letterlock::dns {

// "mx.x" as labels on the wire.
inline std::string wire_name(std::string_view name) {
  std::string octets;
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    octets += static_cast<char>(label.size());
    octets += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return octets + '\0';
}

inline std::string wire_number(unsigned number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number)};
}

class Responder {
 public:
  Responder()
      : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), bell_(::eventfd(0, EFD_CLOEXEC)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    (void)::bind(socket_.number(), reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(socket_.number(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Responder() {
    const std::uint64_t one = 1;
    (void)!::write(bell_.number(), &one, sizeof one);
    thread_.join();
  }
  net::Endpoint endpoint() const { return {net::IpAddress::v4({127, 0, 0, 1}), port_}; }
  int questions() const { return questions_; }

  // One record of `owner`, its data as octets.
  void record(const std::string& owner, unsigned type, const std::string& rdata) {
    const std::scoped_lock lock(mutex_);
    auto& records = records_[{owner, type}];
    records += wire_name(owner) + wire_number(type) + wire_number(1) + wire_number(0) +
               wire_number(300) + wire_number(static_cast<unsigned>(rdata.size())) + rdata;
    ++counts_[{owner, type}];
    for (std::string_view name = owner;; name.remove_prefix(name.find('.') + 1)) {
      names_.emplace(name);
      if (name.find('.') == std::string_view::npos) break;
    }
  }
  // A whole message; its id is put in.
  void message(const std::string& name, unsigned type, const std::string& octets) {
    const std::scoped_lock lock(mutex_);
    messages_[{name, type}] = octets;
  }
  void silent(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    silent_.insert(name);
  }
  void rcode(const std::string& name, unsigned code) {
    const std::scoped_lock lock(mutex_);
    rcodes_[name] = code;
  }

 private:
  using Key = std::pair<std::string, unsigned>;

  void serve() {
    std::array<pollfd, 2> waits{{{socket_.number(), POLLIN, 0}, {bell_.number(), POLLIN, 0}}};
    while (::poll(waits.data(), waits.size(), -1) > 0 && waits[1].revents == 0) {
      std::array<char, 2048> buffer;
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const auto count = ::recvfrom(socket_.number(), buffer.data(), buffer.size(), 0,
                                    reinterpret_cast<sockaddr*>(&from), &size);
      if (count < 17) continue;
      ++questions_;
      const auto said = answer({buffer.data(), static_cast<std::size_t>(count)});
      if (!said.empty())
        ::sendto(socket_.number(), said.data(), said.size(), 0, reinterpret_cast<sockaddr*>(&from),
                 size);
    }
  }

  std::string answer(std::string_view asked) {
    std::string name;
    std::size_t at = 12;
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
    return id + built(name, type, std::string(asked.substr(12, at + 5 - 12)));
  }

  std::string built(const std::string& name, unsigned type, const std::string& question) {
    const auto alias = records_.contains({name, 5}) ? 5U : type;
    const auto found = records_.find({name, alias});
    unsigned code = found == records_.end() && !names_.contains(name) ? 3 : 0;
    if (const auto told = rcodes_.find(name); told != rcodes_.end()) code = told->second;
    const bool has = found != records_.end() && code == 0;
    const auto count = has ? counts_[{name, alias}] : 0;
    // An authoritative answer; without records, with the SOA that says so.
    auto message = wire_number(0x8400 | code) + wire_number(1) + wire_number(count) +
                   wire_number(has ? 0 : 1) + wire_number(0) + question;
    if (has) return message + found->second;
    const auto zone = name.substr(
        name.rfind('.', name.rfind('.') == std::string::npos ? 0 : name.rfind('.') - 1) + 1);
    const auto soa = wire_name("ns.test") + wire_name("h.test") + std::string(20, '\1');
    return message + wire_name(zone) + wire_number(6) + wire_number(1) + wire_number(0) +
           wire_number(60) + wire_number(static_cast<unsigned>(soa.size())) + soa;
  }

  os::Descriptor socket_;
  os::Descriptor bell_;
  std::uint16_t port_ = 0;
  std::atomic<int> questions_ = 0;
  std::mutex mutex_;  // what follows
  std::map<Key, std::string> records_;
  std::map<Key, unsigned> counts_;
  std::map<Key, std::string> messages_;
  std::map<std::string, unsigned> rcodes_;
  std::set<std::string> names_;
  std::set<std::string> silent_;
  std::thread thread_;
};

}  // namespace letterlock::dns
