// Which events are which figures: the one table between the log's words and Prometheus'.
#pragma once

#include <vector>

#include "os/event_meter.h"

namespace letterlock::apps {

const std::vector<os::EventRule>& event_rules();

}  // namespace letterlock::apps
