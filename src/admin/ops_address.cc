// Aliases and groups.
#include "admin/operation.h"
#include "admin/values.h"

namespace letterlock::admin {
namespace {

using Kind = Parameter::Kind;
using Place = Parameter::Place;

json::array texts(const std::vector<address::Address>& addresses) {
  json::array out;
  for (const auto& address : addresses) out.emplace_back(address.text());
  return out;
}
json::object to_json(const directory::Alias& alias) {
  return {{"address", alias.address.text()},
          {"to", texts(alias.targets)},
          {"send-as", directory::name(alias.send_as)}};
}
json::object to_json(const directory::Group& group) {
  return {{"address", group.address.text()},
          {"name", group.display_name},
          {"members", texts(group.members)}};
}

base::Result<std::optional<directory::Alias::SendAs>> send_as_of(const Arguments& arguments) {
  const auto word = arguments.maybe("send-as");
  if (!word) return std::optional<directory::Alias::SendAs>();
  return std::optional(
      TRY(word_in(*word, {directory::Alias::SendAs::refused, directory::Alias::SendAs::allowed},
                  [](auto v) { return directory::name(v); })));
}
base::Result<std::optional<address::Address>> after_of(const Arguments& arguments) {
  const auto text = arguments.maybe("after");
  if (!text) return std::optional<address::Address>();
  return std::optional(TRY(address_of(*text)));
}

net::ResultTask<json::object> alias_add(const Ports& ports, Arguments arguments) {
  directory::Alias alias;
  CO_TRY(alias.address, address_of(arguments.text("address")));
  CO_TRY(alias.targets, addresses_of(arguments.list("to")));
  CO_TRY(const auto send_as, send_as_of(arguments));
  alias.send_as = send_as.value_or(directory::Alias::SendAs::refused);
  CO_TRY(const auto added, co_await ports.operations.add_alias(std::move(alias), "operator"));
  co_return to_json(added);
}
net::ResultTask<json::object> alias_show(const Ports& ports, Arguments arguments) {
  CO_TRY(const auto address, address_of(arguments.text("address")));
  CO_TRY(const auto alias, co_await ports.operations.show_alias(address));
  co_return to_json(alias);
}
net::ResultTask<json::object> alias_list(const Ports& ports, Arguments arguments) {
  CO_TRY(const auto after, after_of(arguments));
  CO_TRY(const auto aliases, co_await ports.operations.list_aliases(arguments.text("tenant"), after,
                                                                    page_of(arguments)));
  co_return rows(
      aliases, [](const auto& one) { return to_json(one); }, page_of(arguments),
      [](const auto& one) { return one.address.text(); });
}
net::ResultTask<json::object> alias_set(const Ports& ports, Arguments arguments) {
  CO_TRY(const auto address, address_of(arguments.text("address")));
  directory::AliasChange change;
  CO_TRY(change.add_targets, addresses_of(arguments.list("add")));
  CO_TRY(change.remove_targets, addresses_of(arguments.list("remove")));
  CO_TRY(change.send_as, send_as_of(arguments));
  CO_TRY(const auto alias,
         co_await ports.operations.set_alias(address, std::move(change), "operator"));
  co_return to_json(alias);
}
net::ResultTask<json::object> alias_remove(const Ports& ports, Arguments arguments) {
  CO_TRY(const auto address, address_of(arguments.text("address")));
  CO_CHECK(co_await ports.operations.remove_alias(address, "operator"));
  co_return done("removed");
}

net::ResultTask<json::object> group_add(const Ports& ports, Arguments arguments) {
  directory::Group group;
  CO_TRY(group.address, address_of(arguments.text("address")));
  CO_TRY(group.members, addresses_of(arguments.list("member")));
  group.display_name = arguments.text("name");
  CO_TRY(const auto added, co_await ports.operations.add_group(std::move(group), "operator"));
  co_return to_json(added);
}
net::ResultTask<json::object> group_show(const Ports& ports, Arguments arguments) {
  CO_TRY(const auto address, address_of(arguments.text("address")));
  CO_TRY(const auto group, co_await ports.operations.show_group(address));
  co_return to_json(group);
}
net::ResultTask<json::object> group_list(const Ports& ports, Arguments arguments) {
  CO_TRY(const auto after, after_of(arguments));
  CO_TRY(const auto groups, co_await ports.operations.list_groups(arguments.text("tenant"), after,
                                                                  page_of(arguments)));
  co_return rows(
      groups, [](const auto& one) { return to_json(one); }, page_of(arguments),
      [](const auto& one) { return one.address.text(); });
}
net::ResultTask<json::object> group_set(const Ports& ports, Arguments arguments) {
  CO_TRY(const auto address, address_of(arguments.text("address")));
  directory::GroupChange change;
  change.display_name = arguments.maybe("name");
  CO_TRY(change.add_members, addresses_of(arguments.list("add")));
  CO_TRY(change.remove_members, addresses_of(arguments.list("remove")));
  CO_TRY(const auto group,
         co_await ports.operations.set_group(address, std::move(change), "operator"));
  co_return to_json(group);
}
net::ResultTask<json::object> group_remove(const Ports& ports, Arguments arguments) {
  CO_TRY(const auto address, address_of(arguments.text("address")));
  CO_CHECK(co_await ports.operations.remove_group(address, "operator"));
  co_return done("removed");
}

}  // namespace

std::vector<Operation> address_operations() {
  const Parameter address{"address", Kind::text, Place::positional, "the address"};
  const Parameter tenant{"tenant", Kind::text, Place::required, "whose"};
  const Parameter page{"count", Kind::number, Place::option, "rows of a page, 100 if not said"};
  const Parameter after{"after", Kind::text, Place::option,
                        "the next page: what the one before said"};
  const Parameter send_as{"send-as", Kind::text, Place::option,
                          "allowed or refused: its only target may write under it"};
  return {
      {"alias.add",
       "another name for one or more addresses",
       {address, {"to", Kind::list, Place::required, "where its mail goes"}, send_as},
       alias_add},
      {"alias.list", "aliases of a tenant", {tenant, page, after}, alias_list},
      {"alias.show", "one alias", {address}, alias_show},
      {"alias.set",
       "change an alias",
       {address,
        {"add", Kind::list, Place::option, "a target"},
        {"remove", Kind::list, Place::option, "a target"},
        send_as},
       alias_set},
      {"alias.remove", "an alias", {address}, alias_remove},
      {"group.add",
       "a list, whose members traces don't disclose",
       {address,
        {"member", Kind::list, Place::required, "a member"},
        {"name", Kind::text, Place::option, "what it is"}},
       group_add},
      {"group.list", "groups of a tenant", {tenant, page, after}, group_list},
      {"group.show", "one group", {address}, group_show},
      {"group.set",
       "change a group",
       {address,
        {"add", Kind::list, Place::option, "a member"},
        {"remove", Kind::list, Place::option, "a member"},
        {"name", Kind::text, Place::option, "what it is"}},
       group_set},
      {"group.remove", "a group", {address}, group_remove},
  };
}

}  // namespace letterlock::admin
