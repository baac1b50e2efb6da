// The table of configuration keys: how each is read, what it defaults to, and what it is for.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "apps/config.h"

namespace letterlock::apps {

// Sets one value from a node, or says what is wrong with it.
template <class Target>
using Setter = std::function<base::Result<>(Target&, const toml::node&)>;

template <class Target>
struct Key {
  std::string_view name;
  std::string_view type;
  std::string_view fallback;  // as the reference prints it; "required" where there is none
  std::string_view meaning;
  Setter<Target> set;
};

struct Section {
  std::string_view name;
  std::string_view meaning;
  std::vector<Key<Config>> keys;
};

const std::vector<Section>& sections();
const std::vector<Key<ListenerConfig>>& listener_keys();
const std::vector<Key<CertificateConfig>>& certificate_keys();

}  // namespace letterlock::apps
