// What the documents say of the program is what the program does.
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "admin/operation.h"
#include "apps/config.h"

namespace letterlock::apps {
namespace {

std::string document(const std::string& name) {
  std::ifstream file(LETTERLOCK_SOURCE_DIR "/" + name);
  EXPECT_TRUE(file) << name;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Documents, TheReferenceOfTheConfigurationIsThisOne) {
  EXPECT_EQ(document("docs/configuration.md"), config_reference()) << "run tools/generate";
}

TEST(Documents, TheConfigurationInTheReadmeIsUsable) {
  const auto readme = document("README.md");
  const std::string_view fence = "```toml\n";
  const auto begin = readme.find(fence);
  ASSERT_NE(begin, std::string::npos);
  const auto text =
      readme.substr(begin + fence.size(), readme.find("```", begin + 1) - begin - fence.size());
  const auto checked = parse_config(text, "README.md");
  ASSERT_TRUE(checked.problems.empty()) << checked.problems.front().text();
  EXPECT_EQ(checked.config.listeners.size(), 8U);
}

TEST(Documents, EachOperationHasAnExample) {
  const auto guide = document("docs/operator.md");
  for (const auto& operation : admin::table()) {
    std::string command(operation.name);
    if (command == "trace.show") command = "trace";  // it has no verb
    if (const auto dot = command.find('.'); dot != std::string::npos) command[dot] = ' ';
    EXPECT_NE(guide.find("letterlock " + command), std::string::npos)
        << fmt::format("docs/operator.md has no example of `letterlock {}`", command);
  }
}

}  // namespace
}  // namespace letterlock::apps
