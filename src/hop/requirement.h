// What must guard a hop: each part with who asked for it and why, so that a refusal can name it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "hop/level.h"

namespace letterlock::hop {

// Where a part of a requirement comes from. `nobody` is the default that asks for nothing.
struct Source {
  enum class Kind {
    nobody,
    sending_tenant,
    sending_account,
    connector,
    message,
    published_policy,
    receiving_tenant,
    ratchet,
    platform
  };
  Kind kind = Kind::nobody;
  std::string name;    // "acorn.example", "bank", "REQUIRETLS", "modern.example"
  std::string reason;  // in the setter's words, may be empty
  bool operator==(const Source&) const = default;
};
std::string_view name(Source::Kind kind);
std::optional<Source::Kind> source_kind_from(std::string_view name);
// "set by acorn.example", "connector \"bank\"", "the message (REQUIRETLS)".
std::string describe(const Source& source);

template <class Value>
struct Part {
  Value value{};
  Source source;
  bool operator==(const Part&) const = default;
};

enum class NetworkNeed { any, private_ };
enum class Sealing { none, preferred, required };
enum class Fetch { any, protected_ };
enum class PostQuantum { preferred, required };
std::string_view name(NetworkNeed need);  // "any", "private"
std::string_view name(Sealing sealing);   // "none", "preferred", "required"
std::string_view name(Fetch fetch);       // "any", "protected"
std::string_view name(PostQuantum need);  // "preferred", "required"

struct Requirement {
  Part<Level> level{Level::clear, {}};
  Part<TlsVersion> tls_version{TlsVersion::none, {}};
  Part<NetworkNeed> network{NetworkNeed::any, {}};
  Part<Sealing> sealing{Sealing::none, {}};
  Part<Fetch> fetch{Fetch::any, {}};
  Part<PostQuantum> post_quantum{PostQuantum::preferred, {}};
  bool operator==(const Requirement&) const = default;
};

// Text of one line, for stored tenants and command lines: "level=authenticated tls=1.3
// network=private sealing=required fetch=protected pq=required"; parts left out ask nothing.
// `source` becomes the source of every part that is named, also where it asks for nothing.
// Errors: invalid, naming the word that isn't known and those that are; a part said twice.
// Limits: 1024 octets.
base::Result<Requirement> requirement_from(std::string_view text, const Source& source);
// Only the parts that ask for something; an empty text asks nothing.
std::string to_text(const Requirement& requirement);

}  // namespace letterlock::hop
