// `letterlock serve`: the real world put under the platform, from a configuration to a clean end.
#pragma once

#include <string>

namespace letterlock::apps {

// Exit status: 0 after SIGTERM, 1 with one sentence on standard error otherwise.
int serve(const std::string& config_file);
// `letterlock config check`: every problem with file and line. 0: usable.
int check_config(const std::string& config_file);

}  // namespace letterlock::apps
