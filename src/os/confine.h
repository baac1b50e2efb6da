// The process closed behind itself, once its ports are open and root is left: which files it can
// still reach (Landlock) and which calls of the kernel it can still make (seccomp). Whoever takes
// the process over finds neither a shell nor anybody else's files. There is no way back.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace letterlock::os {

// What stays within reach. A path that isn't there is passed over.
struct FileReach {
  std::vector<std::string> own;       // folders: everything beneath, but running programs
  std::vector<std::string> readable;  // folders and files
  std::vector<std::string> logs;      // folders: files are made and appended to
  std::vector<std::string> sockets;   // folders: local sockets are made and taken away
};

// From now on this thread, and those that it starts, reach nothing but that; bind no TCP socket to
// a port of their choice; reach no abstract local socket. Call it before the first thread starts,
// and after forbid_new_privileges(). Returns which version of Landlock the kernel has: before 4 any
// port can be bound (close_doors() lets none listen), before 6 abstract sockets can be reached.
// Errors: unavailable (a kernel without Landlock: nothing has changed), io.
base::Result<int> close_files(const FileReach& reach);

// From now on no thread of this process runs a program, starts a process, traces, mounts, loads
// into the kernel, changes whose it is, signals another process, truncates a file by its name, maps
// memory that can be written and run, or opens a socket that is neither local nor TCP or UDP. Each
// fails with EPERM (sockets with EAFNOSUPPORT or EPROTONOSUPPORT).
// Errors: unavailable (a kernel without seccomp, a sandbox around us that lets no filter be added,
// another processor than x86-64 or ARM64), io.
base::Result<> close_calls();

// From now on no thread of this process listens at a socket, of whatever kind and port: EPERM.
// Those that listen already go on accepting. Once everything is open. Errors: as close_calls().
base::Result<> close_doors();

// No core file, and no tracing by other processes of the same user: keys and passwords are in
// memory. Errors: io.
base::Result<> forbid_dumps();

// Closes every descriptor from `first` on: nothing of whoever started this process is inherited.
// Standard input, output and error that are closed become /dev/null, so that no socket takes their
// place and no line of the log goes to a peer. Errors: io.
base::Result<> close_inherited(int first);

}  // namespace letterlock::os
