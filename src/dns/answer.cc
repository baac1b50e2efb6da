#include "dns/answer.h"

#include <algorithm>

#include "dns/name.h"

namespace letterlock::dns {
using base::ErrorKind;

namespace {

constexpr int rcode_no_error = 0;
constexpr int rcode_server_failure = 2;
constexpr int rcode_no_such_name = 3;

std::string about(Type type, const std::string& question) {
  return std::string(name(type)) + " of " + question;
}

base::Result<> check(Type type, const std::string& question, const Reply& reply) {
  // RFC 4035 §5.5: what fails validation is not used. Asked first, for it comes as a server failure
  // too.
  if (reply.bogus) {
    const auto why = reply.why_bogus.empty() ? "" : ": " + base::printable(reply.why_bogus, 400);
    return base::fail(ErrorKind::denied,
                      "the answer about " + about(type, question) + " is bogus" + why);
  }
  if (reply.rcode == rcode_server_failure) {
    return base::fail(ErrorKind::unavailable,
                      "the name servers gave no answer about " + about(type, question));
  }
  if (reply.rcode != rcode_no_error && reply.rcode != rcode_no_such_name) {
    return base::fail(ErrorKind::unavailable, "the name servers refused the question about " +
                                                  about(type, question) + " (RCODE " +
                                                  std::to_string(reply.rcode) + ")");
  }
  if (reply.rdata.size() > records_max) {
    return base::fail(ErrorKind::unavailable, "more than 256 records for " + about(type, question));
  }
  return {};
}

template <class Record>
using Parser = base::Result<std::optional<Record>> (*)(std::string_view);

template <class Record>
base::Result<Answer<Record>> judge(Type type, const std::string& question, const Reply& reply,
                                   Parser<Record> parse) {
  TRY(check(type, question, reply));
  Answer<Record> answer;
  answer.name_exists = reply.name_exists && reply.rcode == rcode_no_error;
  answer.security = reply.secure ? Security::secure : Security::insecure;
  const auto seconds = std::chrono::seconds(std::max<std::int64_t>(reply.time_to_live_seconds, 0));
  answer.time_to_live = std::min<base::Milliseconds>(
      time_to_live_max, std::min<std::chrono::seconds>(seconds, std::chrono::days(2)));
  answer.canonical_name = question;
  if (!reply.canonical_name.empty()) {
    auto canonical = parse_name(reply.canonical_name);
    if (!canonical) return base::fail(base::within("alias of " + question, canonical.error()));
    answer.canonical_name = std::move(*canonical);
  }
  for (const auto& rdata : reply.rdata) {
    auto record = parse(rdata);
    if (!record) return base::fail(base::within(about(type, question), record.error()));
    if (*record) answer.records.push_back(std::move(**record));
  }
  if (answer.records.empty() && !reply.rdata.empty()) {
    return base::fail(ErrorKind::invalid, "no record is usable of the " + about(type, question));
  }
  return answer;
}

}  // namespace

base::Result<Answer<Mx>> mx_answer(const std::string& question, const Reply& reply) {
  return judge<Mx>(Type::mx, question, reply, parse_mx);
}
base::Result<Answer<net::IpAddress>> a_answer(const std::string& question, const Reply& reply) {
  return judge<net::IpAddress>(Type::a, question, reply, parse_a);
}
base::Result<Answer<net::IpAddress>> aaaa_answer(const std::string& question, const Reply& reply) {
  return judge<net::IpAddress>(Type::aaaa, question, reply, parse_aaaa);
}
base::Result<Answer<std::string>> txt_answer(const std::string& question, const Reply& reply) {
  return judge<std::string>(Type::txt, question, reply, parse_txt);
}
base::Result<Answer<TlsaRecord>> tlsa_answer(const std::string& question, const Reply& reply) {
  return judge<TlsaRecord>(Type::tlsa, question, reply, parse_tlsa);
}
base::Result<Answer<std::string>> ptr_answer(const std::string& question, const Reply& reply) {
  return judge<std::string>(Type::ptr, question, reply, parse_ptr);
}

base::Result<Answer<net::IpAddress>> join_addresses(base::Result<Answer<net::IpAddress>> a,
                                                    base::Result<Answer<net::IpAddress>> aaaa) {
  if (!a && !aaaa) return a.error().kind == ErrorKind::denied ? std::move(a) : std::move(aaaa);
  if (!a || !aaaa) {
    auto& failed = a ? aaaa : a;
    auto& answered = a ? a : aaaa;
    const bool may_pass_over =
        failed.error().kind == ErrorKind::unavailable || failed.error().kind == ErrorKind::timeout;
    return may_pass_over && !answered->records.empty() ? std::move(answered) : std::move(failed);
  }
  auto joined = std::move(*aaaa);
  const auto& canonical = a->records.empty() ? joined.canonical_name : a->canonical_name;
  joined.canonical_name = joined.records.empty() ? a->canonical_name : canonical;
  joined.records.insert(joined.records.end(), a->records.begin(), a->records.end());
  joined.name_exists = joined.name_exists || a->name_exists;
  if (a->security == Security::insecure) joined.security = Security::insecure;
  joined.time_to_live = std::min(joined.time_to_live, a->time_to_live);
  return joined;
}

}  // namespace letterlock::dns
