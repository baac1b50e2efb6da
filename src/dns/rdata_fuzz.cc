// The first octet chooses the type; the rest is one record's data.
#include <cstdint>

#include "base/assert.h"
#include "dns/answer.h"
#include "dns/name.h"

namespace dns = letterlock::dns;

namespace {

void check_host(const std::string& host) {
  if (host.empty()) return;
  const auto again = dns::parse_name(host);
  ASSERT(again.has_value() && *again == host);
  ASSERT(host.size() <= dns::name_octets_max);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rdata(reinterpret_cast<const char*>(data) + 1, size - 1);
  dns::Reply reply;
  reply.rdata = {std::string(rdata)};
  switch (data[0] % 7) {
    case 0:
      if (const auto answer = dns::mx_answer("x.example", reply))
        check_host(answer->records.at(0).host);
      break;
    case 1:
      if (const auto answer = dns::a_answer("x.example", reply))
        ASSERT(answer->records.at(0).octets() == rdata);
      break;
    case 2:
      if (const auto answer = dns::aaaa_answer("x.example", reply))
        ASSERT(answer->records.at(0).is_v4() || answer->records.at(0).octets() == rdata);
      break;
    case 3:
      if (const auto answer = dns::txt_answer("x.example", reply))
        ASSERT(answer->records.at(0).size() < rdata.size());
      break;
    case 4:
      if (const auto answer = dns::tlsa_answer("x.example", reply))
        ASSERT(answer->records.at(0).data == rdata.substr(3));
      break;
    case 5:
      if (const auto answer = dns::ptr_answer("x.example", reply))
        check_host(answer->records.at(0));
      break;
    default:
      if (const auto name = dns::parse_name(rdata)) check_host(*name);
      break;
  }
  return 0;
}
