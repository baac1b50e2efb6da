// Which events are which figures: the one table between the log's words and Prometheus'; and
// which of them may repeat without end.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "os/event_meter.h"

namespace letterlock::apps {

const std::vector<os::EventRule>& event_rules();

// Events that a stranger can bring about at will: the log counts their repeats (os/thinned.h).
std::span<const std::string_view> repeated_events();

}  // namespace letterlock::apps
