// RCPT TO and its parameters.
#include "base/bytes.h"
#include "base/utf8.h"
#include "smtp/command_parts.h"

namespace letterlock::smtp {
namespace {

using base::equal_ignoring_case;
namespace status = dsn::status;

// Why a parameter is refused; nothing if it was taken.
std::optional<Parsed> take(const Parameter& parameter, const CommandContext& context, Rcpt& rcpt) {
  const std::string_view value = parameter.value.value_or("");
  if (context.offers_dsn && equal_ignoring_case(parameter.keyword, "NOTIFY")) {
    if (rcpt.dsn.notify.given) return refuse(501, status::bad_parameters, "NOTIFY stands twice");
    const auto notify = dsn::parse_notify(value);
    if (!notify) return refuse(501, status::bad_parameters, "NOTIFY's value is wrong");
    rcpt.dsn.notify = *notify;
    return std::nullopt;
  }
  if (context.offers_dsn && equal_ignoring_case(parameter.keyword, "ORCPT")) {
    if (!rcpt.dsn.original_recipient.empty()) {
      return refuse(501, status::bad_parameters, "ORCPT stands twice");
    }
    auto original = dsn::parse_original_recipient(value);
    if (!original) return refuse(501, status::bad_parameters, "ORCPT's value is wrong");
    rcpt.dsn.original_recipient = std::move(*original);
    return std::nullopt;
  }
  return refuse(555, status::bad_parameters, "a parameter isn't recognised");
}

}  // namespace

Parsed parse_rcpt(std::string_view rest, const CommandContext& context) {
  const auto path_text = after_label(rest, "TO:");
  if (!path_text) return refuse(501, status::bad_parameters, "RCPT TO:<address> is the form");
  // RFC 6531 §3.5: 553 with 5.6.7 where MAIL didn't say SMTPUTF8.
  if (!base::is_ascii(rest) && context.utf8 == CommandContext::Utf8::refused) {
    return refuse(553, status::needs_smtputf8, "an address beyond ASCII needs SMTPUTF8");
  }
  const auto split = address::split_path(*path_text);
  if (!split)
    return refuse(501, status::bad_address_syntax, "the address must stand between < and >");
  auto to = address::parse_forward_path(split->path, context.own_domain);
  if (!to) return refuse(501, status::bad_address_syntax, "that is no address");

  Rcpt rcpt{std::move(*to), {}};
  Parameters parameters(split->rest);
  while (const auto parameter = parameters.next()) {
    if (parameter->keyword.empty()) {
      return refuse(501, status::bad_parameters, "a parameter that can't be read");
    }
    if (auto refused = take(*parameter, context, rcpt)) return std::move(*refused);
  }
  return Command(std::move(rcpt));
}

}  // namespace letterlock::smtp
