#include "apps/restore.h"

#include <filesystem>

#include <fmt/format.h>
#include <sys/stat.h>

#include "apps/cli.h"
#include "apps/config.h"
#include "directory/restores.h"
#include "os/privileges.h"
#include "store/backup.h"

namespace letterlock::apps {
namespace {

namespace files = std::filesystem;
using base::ErrorKind;
using base::fail;

base::Result<> check_data(const Config& config) {
  const auto& data = config.site.data;
  if (call(config.admin_socket, "status", {}))
    return fail(ErrorKind::unavailable, "a node runs on this configuration: stop it first");
  std::error_code error;
  const bool is_empty = files::is_empty(data, error);
  if (error)
    return fail(ErrorKind::not_found, fmt::format("{}: {}; make it, for the user '{}' alone", data,
                                                  error.message(), config.site.user));
  if (!is_empty)
    return fail(ErrorKind::exists,
                data +
                    " isn't empty: a backup is restored into an empty directory, never over "
                    "what is there");
  return {};
}

// The new store knows that what came after the backup is lost.
base::Result<std::pair<std::string, std::string>> row_of(const store::BackupFacts& facts) {
  const auto as_of = base::from_rfc3339(facts.written);
  if (!as_of) return fail(ErrorKind::invalid, "the backup doesn't say when it was made");
  return directory::restored_row(*as_of);
}

base::Result<store::BackupFacts> restore_for(const Config& config, const std::string& backup) {
  TRY(check_data(config));
  TRY(os::leave_root(config.site.user, os::Root::refused));
  return store::restore_backup(backup, config.store_path(), row_of);
}

}  // namespace

int restore(const RestoreOptions& options) {
  ::umask(0077);
  const auto checked = load_config(options.config_file);
  for (const auto& problem : checked.problems) fmt::print(stderr, "{}\n", problem.text());
  if (!checked.problems.empty()) return 1;
  const auto facts = restore_for(checked.config, options.backup);
  if (!facts) {
    fmt::print(stderr, "letterlock: {}\n", facts.error().what);
    return 1;
  }
  fmt::print("restored into {}: what node {} of {} kept on {}\n", checked.config.store_path(),
             facts->node, facts->site, facts->written);
  return 0;
}

}  // namespace letterlock::apps
