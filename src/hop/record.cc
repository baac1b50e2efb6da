// The record of a hop as JSON, both ways. Reading is strict: what isn't written here isn't read.
#include <array>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/utf8.h"
#include "hop/hop.h"
#include "hop/text.h"

namespace letterlock::hop {
namespace {

namespace json = boost::json;
using base::ErrorKind;

constexpr std::int64_t version = 1;
constexpr std::size_t memory_octets = 6144;  // of a usual record's values

// All values lie in `memory`, one piece after the other: a record is written and thrown away.
using Memory = const json::storage_ptr&;

json::object end_json(const End& end, Memory memory) {
  return json::object({{"role", name(end.role)},
                       {"who", end.who},
                       {"address", end.address},
                       {"protocol", end.protocol},
                       {"calls_itself", end.calls_itself}},
                      memory);
}

json::object protection_json(const Protection& protection, Memory memory) {
  const TlsFacts& tls = protection.tls;
  return json::object({{"level", name(protection.level)},
                       {"tls",
                        {{"version", name(tls.version)},
                         {"cipher", tls.cipher},
                         {"group", tls.group},
                         {"post_quantum", tls.post_quantum},
                         {"exporter_digest", tls.exporter_digest}}},
                       {"proved_by", name(protection.proved_by)},
                       {"network", name(protection.network)},
                       {"confirmed", protection.confirmed}},
                      memory);
}

json::array required_json(const std::vector<Required>& required, Memory memory) {
  json::array list(memory);
  for (const Required& part : required) {
    list.push_back(json::object({{"what", part.what}, {"by", part.by}, {"why", part.why}}, memory));
  }
  return list;
}

json::object hop_json(const Hop& hop, Memory memory) {
  json::array recipients(memory);
  for (const unsigned index : hop.recipients) recipients.push_back(index);
  json::array changes(memory);
  for (const Change change : hop.changes) changes.push_back(json::string(name(change), memory));
  json::value finished(memory);
  if (hop.finished != base::Time()) finished = base::to_rfc3339(hop.finished);
  return json::object({{"version", version},
                       {"trace", hop.trace.text()},
                       {"number", hop.number},
                       {"attempt", hop.attempt},
                       {"kind", name(hop.kind)},
                       {"from", end_json(hop.from, memory)},
                       {"to", end_json(hop.to, memory)},
                       {"recipients", std::move(recipients)},
                       {"protection", protection_json(hop.protection, memory)},
                       {"required", required_json(hop.required, memory)},
                       {"answer", name(hop.answer)},
                       {"reason", hop.reason},
                       {"outcome", name(hop.outcome)},
                       {"given", name(hop.given)},
                       {"reply", hop.reply},
                       {"digest_in", hop.digest_in},
                       {"digest_out", hop.digest_out},
                       {"changes", std::move(changes)},
                       {"time", base::to_rfc3339(hop.time)},
                       {"finished", std::move(finished)},
                       {"sign_in", name(hop.sign_in)},
                       {"password_in_clear", hop.password_in_clear},
                       {"told", hop.told}},
                      memory);
}

// Reads one object's members. Goes bad at the first that isn't as it should be and keeps its name;
// what it returns from then on is only there to be thrown away.
class Reader {
 public:
  Reader(const json::value& value, std::string& wrong, std::string_view called) : wrong_(wrong) {
    object_ = value.if_object();
    if (object_ == nullptr) blame(called);
  }

  std::string text(std::string_view key) const {
    const json::value* value = find(key);
    const json::string* found = value != nullptr ? value->if_string() : nullptr;
    if (found == nullptr) return blame(key), std::string();
    return {found->data(), found->size()};
  }
  bool flag(std::string_view key) const {
    const json::value* value = find(key);
    const bool* found = value != nullptr ? value->if_bool() : nullptr;
    if (found == nullptr) return blame(key), false;
    return *found;
  }
  unsigned number(std::string_view key) const {
    const json::value* value = find(key);
    return value != nullptr ? as_number(*value, key) : (blame(key), 0U);
  }
  template <class Value>
  Value word(std::string_view key, std::optional<Value> (*from)(std::string_view)) const {
    const auto value = from(text(key));
    if (!value) blame(key);
    return value.value_or(Value{});
  }
  base::Time time(std::string_view key) const {
    const auto value = base::from_rfc3339(text(key));
    if (!value) blame(key);
    return value.value_or(base::Time());
  }
  // Null: the moment hasn't come.
  base::Time time_if_any(std::string_view key) const {
    const json::value* value = find(key);
    return value != nullptr && value->is_null() ? base::Time() : time(key);
  }
  template <class IdType>
  IdType id(std::string_view key) const {
    const auto value = IdType::parse(text(key));
    if (!value) blame(key);
    return value.value_or(IdType());
  }
  Reader object(std::string_view key) const {
    const json::value* value = find(key);
    return Reader(value != nullptr ? *value : nothing_, wrong_, key);
  }
  const json::array& array(std::string_view key) const {
    static const json::array none;
    const json::value* value = find(key);
    const json::array* found = value != nullptr ? value->if_array() : nullptr;
    if (found == nullptr) return blame(key), none;
    return *found;
  }
  unsigned as_number(const json::value& value, std::string_view key) const {
    const std::int64_t* found = value.if_int64();
    if (found == nullptr || *found < 0 || *found > std::int64_t{4'294'967'295}) {
      return blame(key), 0U;
    }
    return static_cast<unsigned>(*found);
  }
  void blame(std::string_view key) const {
    if (wrong_.empty()) wrong_ = key;
  }

 private:
  const json::value* find(std::string_view key) const {
    return object_ != nullptr ? object_->if_contains({key.data(), key.size()}) : nullptr;
  }

  const json::value nothing_;
  const json::object* object_ = nullptr;
  std::string& wrong_;
};

End read_end(const Reader& from) {
  return {.role = from.word("role", role_from),
          .who = from.text("who"),
          .address = from.text("address"),
          .protocol = from.text("protocol"),
          .calls_itself = from.text("calls_itself")};
}

Protection read_protection(const Reader& from) {
  const Reader tls = from.object("tls");
  return {.level = from.word("level", level_from),
          .tls = {.version = tls.word("version", tls_version_from),
                  .cipher = tls.text("cipher"),
                  .group = tls.text("group"),
                  .post_quantum = tls.flag("post_quantum"),
                  .exporter_digest = tls.text("exporter_digest")},
          .proved_by = from.word("proved_by", proof_from),
          .network = from.word("network", network_from),
          .confirmed = from.flag("confirmed")};
}

Hop read_hop(const Reader& from, std::string& wrong) {
  Hop hop;
  if (from.number("version") != version) from.blame("version");
  hop.trace = from.id<base::TraceId>("trace");
  hop.number = from.number("number");
  hop.attempt = from.number("attempt");
  hop.kind = from.word("kind", kind_from);
  hop.from = read_end(from.object("from"));
  hop.to = read_end(from.object("to"));
  for (const json::value& index : from.array("recipients")) {
    hop.recipients.push_back(from.as_number(index, "recipients"));
  }
  hop.protection = read_protection(from.object("protection"));
  for (const json::value& part : from.array("required")) {
    const Reader reader(part, wrong, "required");
    hop.required.push_back({reader.text("what"), reader.text("by"), reader.text("why")});
  }
  hop.answer = from.word("answer", answer_from);
  hop.reason = from.text("reason");
  hop.outcome = from.word("outcome", outcome_from);
  hop.given = from.word("given", given_from);
  hop.reply = from.text("reply");
  hop.digest_in = from.text("digest_in");
  hop.digest_out = from.text("digest_out");
  for (const json::value& word : from.array("changes")) {
    const json::string* known = word.if_string();
    const auto change =
        known != nullptr ? change_from({known->data(), known->size()}) : std::nullopt;
    if (!change) from.blame("changes");
    hop.changes.push_back(change.value_or(Change::trace_fields_added));
  }
  hop.time = from.time("time");
  hop.finished = from.time_if_any("finished");
  hop.sign_in = from.word("sign_in", sign_in_from);
  hop.password_in_clear = from.flag("password_in_clear");
  hop.told = from.flag("told");
  return hop;
}

// What is short and ASCII, as nearly all is, stays as it is.
void bound(std::string& text, std::size_t octets_max) {
  if (!is_bounded(text, octets_max)) text = bounded_text(text, octets_max);
}

void bound(End& end) {
  bound(end.who, who_octets_max);
  bound(end.calls_itself, who_octets_max);
  bound(end.address, word_octets_max);
  bound(end.protocol, word_octets_max);
}

}  // namespace

Hop bounded(Hop hop) {
  bound(hop.from);
  bound(hop.to);
  bound(hop.protection.tls.cipher, word_octets_max);
  bound(hop.protection.tls.group, word_octets_max);
  bound(hop.protection.tls.exporter_digest, word_octets_max);
  if (hop.recipients.size() > recipients_max) hop.recipients.resize(recipients_max);
  if (hop.required.size() > required_max) hop.required.resize(required_max);
  for (Required& part : hop.required) {
    bound(part.what, sentence_octets_max);
    bound(part.by, sentence_octets_max);
    bound(part.why, sentence_octets_max);
  }
  bound(hop.reason, sentence_octets_max);
  bound(hop.reply, sentence_octets_max);
  bound(hop.digest_in, word_octets_max);
  bound(hop.digest_out, word_octets_max);
  if (hop.changes.size() > changes_max) hop.changes.resize(changes_max);
  return hop;
}

std::string to_json(const Hop& hop) {
  std::array<unsigned char, memory_octets> buffer;
  json::monotonic_resource memory(buffer.data(), buffer.size());
  return json::serialize(hop_json(bounded(hop), &memory));
}

base::Result<Hop> hop_from_json(std::string_view text) {
  if (text.size() > record_octets_max) {
    return base::fail(ErrorKind::corrupt, "a hop's record is too long");
  }
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 4;
  // Most records fit into the first piece; all goes at once.
  std::array<unsigned char, 8192> first{};
  json::monotonic_resource memory(first.data(), first.size());
  const json::value value = json::parse({text.data(), text.size()}, error, &memory, options);
  if (error) {
    return base::fail(ErrorKind::corrupt,
                      fmt::format("a hop's record is not JSON: {}", error.message()));
  }
  std::string wrong;
  const Reader reader(value, wrong, "record");
  Hop hop = read_hop(reader, wrong);
  if (!wrong.empty()) {
    return base::fail(ErrorKind::corrupt,
                      fmt::format("a hop's record: \"{}\" is missing or not known", wrong));
  }
  // An unknown key, a key said twice, another order or a longer text: none of it survives this.
  if (to_json(hop) != text) {
    return base::fail(ErrorKind::corrupt, "a hop's record is not in the form it is written in");
  }
  return hop;
}

}  // namespace letterlock::hop
