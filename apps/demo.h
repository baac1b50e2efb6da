// `letterlock demo`: the whole platform on this machine's loopback, with two organisations on it
// and two outside, four messages between them, and what became of each.
#pragma once

#include <string>

namespace letterlock::apps {

struct DemoOptions {
  bool once = false;    // end when all is shown; else stay up until Ctrl-C
  std::string out_dir;  // each trace as JSON in it; empty: nowhere
};

// The process's exit code: 0, or 1 after a sentence on standard error that says why. Everything it
// makes lies in a temporary folder, which is gone when it returns. Limits: 20 seconds until the
// traces are shown. Call it before any other thread starts.
int demo(const DemoOptions& options);

}  // namespace letterlock::apps
