// The one program: serve, the operator's commands, the demonstration.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/cli.h"
#include "apps/config.h"
#include "apps/demo.h"
#include "apps/restore.h"
#include "apps/serve.h"
#include "apps/top.h"

// jemalloc reads it before anything of ours runs: freed memory that nobody takes again within 300
// ms goes back to the system (its own: ten seconds). docs/decisions/13-allocator.md.
extern "C" const char* const malloc_conf;
const char* const malloc_conf = "dirty_decay_ms:300,muzzy_decay_ms:0";

int main(int argc, char** argv) {
  using namespace letterlock::apps;
  CLI::App app{"Letterlock: mail that can say who could have read it."};
  app.set_version_flag("--version", LETTERLOCK_VERSION);
  app.require_subcommand(1);

  std::string config_file;
  auto* serving = app.add_subcommand("serve", "run a node");
  serving->add_option("--config", config_file, "its configuration, TOML")->required();

  auto* config = app.add_subcommand("config", "the configuration");
  config->require_subcommand(1);
  auto* check = config->add_subcommand("check", "what is wrong with it, without starting anything");
  check->add_option("--config", config_file, "the file")->required();
  auto* reference = config->add_subcommand("reference", "all its keys, as Markdown");

  DemoOptions demo_options;
  auto* demonstration = app.add_subcommand(
      "demo", "two organisations, two outside MTAs, four messages and their traces");
  demonstration->add_flag("--once", demo_options.once, "end when all is shown");
  demonstration->add_option("--out", demo_options.out_dir, "leave each trace there as JSON");

  TopOptions top_options;
  auto* topping = app.add_subcommand("top", "how the node is, again and again, until q");
  topping->add_flag("--once", top_options.once, "once, as it is where nobody looks on");
  topping->add_flag("--json", top_options.json, "each time the whole answer, one line of JSON");
  topping->add_option("--every", top_options.every_seconds, "seconds between two looks")
      ->check(CLI::Range(1, 3600));
  topping->add_option("--config", top_options.target.config_file,
                      "the node's configuration (for its socket)");
  topping->add_option("--socket", top_options.target.socket, "the node's socket");

  RestoreOptions restore_options;
  auto* restoring =
      app.add_subcommand("restore", "what a backup holds, into a data directory without a store");
  restoring->add_option("backup", restore_options.backup, "the backup's directory")->required();
  restoring
      ->add_option("--config", restore_options.config_file, "of the node that is to go on with it")
      ->required();

  OperatorCommands commands;
  commands.add_to(app);
  CLI11_PARSE(app, argc, argv);

  if (serving->parsed()) return serve(config_file);
  if (check->parsed()) return check_config(config_file);
  if (demonstration->parsed()) return demo(demo_options);
  if (topping->parsed()) return top(top_options);
  if (restoring->parsed()) return restore(restore_options);
  if (reference->parsed()) {
    fmt::print("{}", config_reference());
    return 0;
  }
  return commands.run();
}
