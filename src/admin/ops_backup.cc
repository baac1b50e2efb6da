// Copies of the whole store: made, listed, said to be destroyed.
#include "admin/operation.h"
#include "admin/values.h"

namespace letterlock::admin {
namespace {

using Place = Parameter::Place;
using Kind = Parameter::Kind;

json::object to_json(const directory::BackupRecord& backup, base::Time now) {
  json::object out{{"id", backup.id.text()},
                   {"made", base::to_rfc3339(backup.began)},
                   {"state", directory::name(backup.state)},
                   {"node", backup.node},
                   {"directory", backup.directory}};
  out["kept-until"] =
      backup.kept_until ? base::to_rfc3339(*backup.kept_until) : std::string("no end known");
  if (directory::is_overdue(backup, now))
    out["to-do"] = "its time is over: destroy every copy, then say: letterlock backup forget " +
                   backup.id.text();
  if (backup.forgotten) {
    out["destroyed"] = base::to_rfc3339(backup.forgotten->when);
    out["said-by"] = backup.forgotten->who;
  }
  return out;
}

net::ResultTask<json::object> backup(const Ports& ports, Arguments arguments) {
  auto directory = arguments.text("directory");
  if (!ports.backup)
    co_return base::fail(base::ErrorKind::invalid, "this node keeps nothing that could be saved");
  if (!directory.starts_with('/'))
    co_return base::fail(base::ErrorKind::invalid,
                         "the directory must be an absolute path: the node writes it, not this "
                         "command");
  std::optional<base::Milliseconds> keep;
  if (const auto text = arguments.maybe("keep")) {
    const auto parsed = base::parse_duration(*text);
    if (!parsed)
      co_return base::fail(base::ErrorKind::invalid,
                           "--keep says for how long the backup is kept: 30d, 12h");
    keep = *parsed;
  }
  co_return co_await ports.backup(std::move(directory), keep);
}

net::ResultTask<json::object> backup_list(const Ports& ports, Arguments arguments) {
  directory::BackupId after;
  if (const auto text = arguments.maybe("after")) {
    CO_TRY(after, directory::BackupId::parse(*text));
  }
  const auto page = page_of(arguments);
  CO_TRY(const auto backups, co_await ports.operations.list_backups(after, page));
  co_return rows(
      backups, [now = ports.clock.now()](const auto& one) { return to_json(one, now); }, page,
      [](const auto& one) { return one.id.text(); });
}

net::ResultTask<json::object> backup_forget(const Ports& ports, Arguments arguments) {
  CO_TRY(const auto id, directory::BackupId::parse(arguments.text("id")));
  CO_TRY(const auto forgotten, co_await ports.operations.forget_backup(id, "operator"));
  co_return to_json(forgotten, ports.clock.now());
}

}  // namespace

std::vector<Operation> backup_operations() {
  const Parameter after{"after", Kind::text, Place::option, "the last id of the page before"};
  const Parameter count{"count", Kind::number, Place::option, "rows a page, 100 if not said"};
  return {{"backup",
           "a copy of all that the node keeps, while it runs",
           {{"directory", Kind::text, Place::positional, "made by this; it must not be there yet"},
            {"keep", Kind::text, Place::option,
             "how long you mean to keep it, 30d: traces and backup list say so; it counts until "
             "you say "
             "that it is destroyed"}},
           backup},
          {"backup.list",
           "backups that were made, and what became of them",
           {after, count},
           backup_list},
          {"backup.forget",
           "you say that a backup is destroyed, every copy of it: traces don't count it any more",
           {{"id", Kind::text, Place::positional, "as backup list shows it"}},
           backup_forget}};
}

}  // namespace letterlock::admin
