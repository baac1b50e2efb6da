#include "hop/hop.h"

#include "hop/words.h"

namespace letterlock::hop {
namespace {

constexpr Words<Kind, 6> kinds{{{
    {Kind::submission, "submission"},
    {Kind::relay, "relay"},
    {Kind::site_link, "site-link"},
    {Kind::delivery, "delivery"},
    {Kind::fetch, "fetch"},
    {Kind::expansion, "expansion"},
}}};

constexpr Words<End::Role, 6> roles{{{
    {End::Role::client, "client"},
    {End::Role::node, "node"},
    {End::Role::mailbox, "mailbox"},
    {End::Role::mta, "mta"},
    {End::Role::alias, "alias"},
    {End::Role::list, "list"},
}}};

constexpr Words<Change, 9> changes{{{
    {Change::trace_fields_added, "trace-fields-added"},
    {Change::bcc_removed, "bcc-removed"},
    {Change::return_path_removed, "return-path-removed"},
    {Change::date_added, "date-added"},
    {Change::message_id_added, "message-id-added"},
    {Change::dkim_signed, "dkim-signed"},
    {Change::converted, "converted"},
    {Change::sealed, "sealed"},
    {Change::expanded, "expanded"},
}}};

constexpr Words<Answer, 4> answers{{{
    {Answer::take, "take"},
    {Answer::try_next, "try"},
    {Answer::hold, "hold"},
    {Answer::refuse, "refuse"},
}}};

constexpr Words<Outcome, 5> outcomes{{{
    {Outcome::intended, "intended"},
    {Outcome::completed, "completed"},
    {Outcome::failed, "failed"},
    {Outcome::unknown, "unknown"},
    {Outcome::partial, "partial"},
}}};

constexpr Words<Given, 3> givens{{{
    {Given::nothing, "nothing"},
    {Given::envelope, "envelope"},
    {Given::content, "content"},
}}};

}  // namespace

std::string_view name(Kind kind) {
  return kinds.name(kind);
}
std::optional<Kind> kind_from(std::string_view name) {
  return kinds.from(name);
}
std::string_view name(End::Role role) {
  return roles.name(role);
}
std::optional<End::Role> role_from(std::string_view name) {
  return roles.from(name);
}
std::string_view name(Change change) {
  return changes.name(change);
}
std::optional<Change> change_from(std::string_view name) {
  return changes.from(name);
}
std::string_view name(Answer answer) {
  return answers.name(answer);
}
std::optional<Answer> answer_from(std::string_view name) {
  return answers.from(name);
}
std::string_view name(Outcome outcome) {
  return outcomes.name(outcome);
}
std::optional<Outcome> outcome_from(std::string_view name) {
  return outcomes.from(name);
}
std::string_view name(Given given) {
  return givens.name(given);
}
std::optional<Given> given_from(std::string_view name) {
  return givens.from(name);
}

}  // namespace letterlock::hop
