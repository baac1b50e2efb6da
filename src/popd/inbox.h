// What a session sees and takes of an account's INBOX.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "drive/pop_handler.h"
#include "mailbox/mailbox.h"
#include "pop/maildrop.h"
#include "store/store.h"

namespace letterlock::popd {

struct Inbox {
  std::optional<mailbox::Place> place;  // none: nothing was ever delivered
  pop::Maildrop maildrop;
};

// The newest pop::messages_max of it, read page by page: what comes or goes meanwhile may be there
// or not. Errors: the store's.
net::ResultTask<Inbox> load_inbox(store::Store& store, mailbox::Owner owner);

// Errors: not_found (expunged meanwhile), the store's.
net::ResultTask<mailbox::Message> find_message(store::Store& store, mailbox::Place place,
                                               mailbox::Uid uid);
// The store must outlive it.
std::unique_ptr<drive::PopContent> read_content(store::Store& store,
                                                const mailbox::Message& message);

// Takes them away, batch by batch: what was taken stays taken if a later batch fails. Those that
// are gone already are no error. Errors: the store's.
net::ResultTask<> expunge(store::Store& store, mailbox::Place place, std::vector<mailbox::Uid> uids,
                          base::Time now);

}  // namespace letterlock::popd
