#include "hop/requirement.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "hop/words.h"

namespace letterlock::hop {
namespace {

using SourceKind = Source::Kind;

constexpr std::size_t text_octets_max = 1024;

constexpr Words<SourceKind, 9> source_kinds{{{
    {SourceKind::nobody, "nobody"},
    {SourceKind::sending_tenant, "sending-tenant"},
    {SourceKind::sending_account, "sending-account"},
    {SourceKind::connector, "connector"},
    {SourceKind::message, "message"},
    {SourceKind::published_policy, "published-policy"},
    {SourceKind::receiving_tenant, "receiving-tenant"},
    {SourceKind::ratchet, "ratchet"},
    {SourceKind::platform, "platform"},
}}};

// `local` is a fact of a hop, never a thing to ask for: asked for, it would stop all mail.
constexpr Words<Level, 4> levels{{{
    {Level::clear, "clear"},
    {Level::encrypted, "encrypted"},
    {Level::authenticated, "authenticated"},
    {Level::mutual, "mutual"},
}}};
constexpr Words<TlsVersion, 3> versions{{{
    {TlsVersion::none, "any"},
    {TlsVersion::tls1_2, "1.2"},
    {TlsVersion::tls1_3, "1.3"},
}}};
constexpr Words<NetworkNeed, 2> networks{{{
    {NetworkNeed::any, "any"},
    {NetworkNeed::private_, "private"},
}}};
constexpr Words<Sealing, 3> sealings{{{
    {Sealing::none, "none"},
    {Sealing::preferred, "preferred"},
    {Sealing::required, "required"},
}}};
constexpr Words<Fetch, 2> fetches{{{
    {Fetch::any, "any"},
    {Fetch::protected_, "protected"},
}}};
constexpr Words<PostQuantum, 2> post_quantums{{{
    {PostQuantum::preferred, "preferred"},
    {PostQuantum::required, "required"},
}}};

template <class Table, class Value>
base::Result<void> set_part(const Table& table, Part<Value>& part, bool& was_set,
                            std::string_view key, std::string_view word, const Source& source) {
  const auto value = table.from(word);
  if (!value) {
    return base::fail(base::ErrorKind::invalid,
                      fmt::format("{}=\"{}\" is not known; known are {}", key,
                                  base::printable(word, 40), table.all()));
  }
  if (was_set) return base::fail(base::ErrorKind::invalid, fmt::format("{} is said twice", key));
  was_set = true;
  part = {*value, source};
  return {};
}

struct Seen {
  bool level = false, tls = false, network = false, sealing = false, fetch = false, pq = false;
};

base::Result<void> set_word(Requirement& to, Seen& seen, std::string_view key,
                            std::string_view value, const Source& source) {
  if (key == "level") return set_part(levels, to.level, seen.level, key, value, source);
  if (key == "tls") return set_part(versions, to.tls_version, seen.tls, key, value, source);
  if (key == "network") return set_part(networks, to.network, seen.network, key, value, source);
  if (key == "sealing") return set_part(sealings, to.sealing, seen.sealing, key, value, source);
  if (key == "fetch") return set_part(fetches, to.fetch, seen.fetch, key, value, source);
  if (key == "pq") return set_part(post_quantums, to.post_quantum, seen.pq, key, value, source);
  return base::fail(base::ErrorKind::invalid,
                    fmt::format("\"{}\" is not part of a requirement; its parts are level, tls, "
                                "network, sealing, fetch, pq",
                                base::printable(key, 40)));
}

}  // namespace

std::string_view name(Source::Kind kind) {
  return source_kinds.name(kind);
}
std::optional<Source::Kind> source_kind_from(std::string_view name) {
  return source_kinds.from(name);
}
std::string_view name(NetworkNeed need) {
  return networks.name(need);
}
std::string_view name(Sealing sealing) {
  return sealings.name(sealing);
}
std::string_view name(Fetch fetch) {
  return fetches.name(fetch);
}
std::string_view name(PostQuantum need) {
  return post_quantums.name(need);
}

std::string describe(const Source& source) {
  switch (source.kind) {
    case SourceKind::nobody:
      return "nobody";
    case SourceKind::sending_tenant:
    case SourceKind::sending_account:
    case SourceKind::receiving_tenant:
      return fmt::format("set by {}", source.name);
    case SourceKind::connector:
      return fmt::format("connector \"{}\"", source.name);
    case SourceKind::message:
      return fmt::format("the message ({})", source.name);
    case SourceKind::published_policy:
      return fmt::format("published by {}", source.name);
    case SourceKind::ratchet:
      return fmt::format("what {} has proved before", source.name);
    case SourceKind::platform:
      return "set by the platform";
  }
  ASSERT(false && "a source without words");
}

base::Result<Requirement> requirement_from(std::string_view text, const Source& source) {
  if (text.size() > text_octets_max) {
    return base::fail(base::ErrorKind::invalid, "a requirement is at most 1024 octets long");
  }
  Requirement requirement;
  Seen seen;
  while (!(text = base::trim(text)).empty()) {
    const auto word = text.substr(0, text.find_first_of(" \t"));
    text.remove_prefix(word.size());
    const auto equals = word.find('=');
    if (equals == word.npos) {
      return base::fail(base::ErrorKind::invalid,
                        fmt::format("\"{}\" has no value; a requirement is written as "
                                    "\"level=authenticated tls=1.3\"",
                                    base::printable(word, 40)));
    }
    TRY(set_word(requirement, seen, word.substr(0, equals), word.substr(equals + 1), source));
  }
  return requirement;
}

std::string to_text(const Requirement& requirement) {
  const Requirement nothing;
  std::string text;
  const auto add = [&text](std::string_view key, std::string_view value) {
    if (!text.empty()) text += ' ';
    text += fmt::format("{}={}", key, value);
  };
  if (requirement.level.value != nothing.level.value) {
    add("level", name(requirement.level.value));
  }
  if (requirement.tls_version.value != nothing.tls_version.value) {
    add("tls", versions.name(requirement.tls_version.value));
  }
  if (requirement.network.value != nothing.network.value) {
    add("network", name(requirement.network.value));
  }
  if (requirement.sealing.value != nothing.sealing.value) {
    add("sealing", name(requirement.sealing.value));
  }
  if (requirement.fetch.value != nothing.fetch.value) {
    add("fetch", name(requirement.fetch.value));
  }
  if (requirement.post_quantum.value != nothing.post_quantum.value) {
    add("pq", name(requirement.post_quantum.value));
  }
  return text;
}

}  // namespace letterlock::hop
