#include "apps/confinement.h"

#include <gtest/gtest.h>

namespace letterlock::apps {
namespace {

TEST(Confinement, SessionsThatDescriptorsAllow) {
  Config config;
  config.limits.sessions_max = 20'000;
  const auto needed = descriptors_needed(config);
  EXPECT_FALSE(fit_sessions(config, needed));
  EXPECT_EQ(config.limits.sessions_max, 20'000U);
  const auto said = fit_sessions(config, needed - 5000);
  ASSERT_TRUE(said);
  EXPECT_EQ(said->name, "node.few_descriptors");
  EXPECT_EQ(config.limits.sessions_max, 15'000U);
  // However few there are, somebody is let in.
  EXPECT_TRUE(fit_sessions(config, 100));
  EXPECT_EQ(config.limits.sessions_max, 16U);
}

TEST(Confinement, WhatIsntInForceIsAWarning) {
  Confinement all;
  all.landlock = 6;
  all.calls = true;
  all.doors = true;
  EXPECT_EQ(all.event().severity, base::Severity::info);
  EXPECT_EQ(all.event().fields.size(), 3U);
  // Debian 12's kernel: what is promised holds; what it leaves beside is named.
  all.landlock = 2;
  EXPECT_EQ(all.event().severity, base::Severity::info);
  EXPECT_EQ(all.event().fields.back().second, "binding TCP ports, abstract sockets");
  all.landlock = 5;
  EXPECT_EQ(all.event().fields.back().second, "abstract sockets");
  all.doors = false;
  all.without_calls = "not here";
  EXPECT_EQ(all.event().severity, base::Severity::warning) << "it could listen";
  EXPECT_EQ(all.event().fields.back().second, "not here");
  Confinement without;
  without.calls = true;
  without.without_files = "no Landlock";
  EXPECT_EQ(without.event().severity, base::Severity::warning);
  EXPECT_EQ(without.event().fields.back().second, "no Landlock");
  Confinement open;
  open.wanted = false;
  EXPECT_EQ(open.event().severity, base::Severity::warning);
}

}  // namespace
}  // namespace letterlock::apps
