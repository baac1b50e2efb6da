// A tiny name server for tests and the demonstration: one UDP socket on loopback, authoritative
// answers from a table, on a thread of its own. It signs nothing and limits nothing: its zones are
// whatever it was told, and it is asked by friends.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/result.h"
#include "net/endpoint.h"
#include "os/descriptor.h"

namespace letterlock::peers {

// "mx.x" as labels on the wire. Labels are 63 octets at most.
std::string wire_name(std::string_view name);
std::string wire_number(unsigned number);  // two octets

// The table may be changed from any thread while it serves. Names are lower case, without the last
// dot. A name that has other records, or names below it, answers with none; others don't exist.
class NameServer {
 public:
  // Errors: io (no socket).
  static base::Result<std::unique_ptr<NameServer>> start();
  ~NameServer();
  net::Endpoint endpoint() const { return {net::IpAddress::v4({127, 0, 0, 1}), port_}; }
  int questions() const { return questions_; }

  void mx(const std::string& owner, std::uint16_t preference, std::string_view host);
  void address(const std::string& owner, const net::IpAddress& address);
  void txt(const std::string& owner, std::string_view text);  // 255 octets at most
  // One record of any type, its data as octets.
  void record(const std::string& owner, unsigned type, const std::string& rdata);
  // A whole message as the answer; its id is put in.
  void message(const std::string& name, unsigned type, const std::string& octets);
  void silent(const std::string& name);
  void rcode(const std::string& name, unsigned code);

 private:
  using Key = std::pair<std::string, unsigned>;

  NameServer(os::Descriptor socket, os::Descriptor bell, std::uint16_t port);
  void serve();
  std::string answer(std::string_view asked);
  std::string built(const std::string& name, unsigned type, const std::string& question);

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

}  // namespace letterlock::peers
