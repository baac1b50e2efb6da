// `letterlock top`: the node's status, drawn again and again.
#pragma once

#include "apps/cli.h"

namespace letterlock::apps {

struct TopOptions {
  Target target;
  bool once = false;
  bool json = false;
  int every_seconds = 2;
};

// Ends on q or Ctrl-C; where standard input or output is no terminal, after one look, as `status`
// does. 0; 1 if something was wrong at the last look, or no node answered.
int top(const TopOptions& options);

// The text cut to a terminal's size: lines to `columns` characters, and `rows` of them at most.
std::string fit(std::string_view text, std::size_t columns, std::size_t rows);

}  // namespace letterlock::apps
