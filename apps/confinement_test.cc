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
  all.landlock = 4;
  all.calls = true;
  EXPECT_EQ(all.event().severity, base::Severity::info);
  EXPECT_EQ(all.event().fields.size(), 2U);
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
