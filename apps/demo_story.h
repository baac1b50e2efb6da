// What happens in the demonstration, step by step, and the words that go with it.
#pragma once

#include <string>

#include "apps/demo.h"
#include "apps/demo_world.h"

namespace letterlock::apps {

struct DemoPasswords {
  std::string alice;
  std::string bob;
  std::string you;
};

// Plays it and prints it. Errors: the first step that didn't go as it must, in one sentence.
net::ResultTask<> play(DemoWorld& world, DemoPasswords passwords, std::string out_dir);

// How to try it with one's own mail client.
void print_invitation(const DemoWorld& world, const DemoPasswords& passwords);

}  // namespace letterlock::apps
