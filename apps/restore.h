// `letterlock restore`: a backup becomes the store of a node that has none.
#pragma once

#include <string>

namespace letterlock::apps {

struct RestoreOptions {
  std::string backup;
  std::string config_file;
};

// 0; 1 with the reason on standard error, and nothing changed. Started as root it becomes the
// node's user first.
int restore(const RestoreOptions& options);

}  // namespace letterlock::apps
