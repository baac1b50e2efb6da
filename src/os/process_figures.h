// What the kernel knows of this process, under the names that Prometheus' clients agree on.
#pragma once

#include <memory>

#include "base/result.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "os/metrics.h"

namespace letterlock::os {

// Adds them to `metrics`. What it reads under /proc it opens here, once, so that a process that has
// shut itself in later still knows itself. Lives as long as `metrics` is read.
class ProcessFigures {
 public:
  // Errors: io (no /proc).
  static base::Result<std::unique_ptr<ProcessFigures>> create(Metrics& metrics, const Clock& clock);

  double resident_octets() const;
  double open_descriptors() const;

 private:
  ProcessFigures(Descriptor memory, Descriptor descriptors)
      : memory_(std::move(memory)), descriptors_(std::move(descriptors)) {}

  Descriptor memory_;
  Descriptor descriptors_;
};

}  // namespace letterlock::os
