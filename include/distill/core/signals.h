// SIGINT, SIGTERM and SIGHUP as a question that long work asks at its safe points.
#pragma once

namespace distill {

/// From now on the first SIGINT, SIGTERM or SIGHUP is remembered and answered on stderr. A second
/// SIGINT or SIGTERM ends the process at once; a SIGHUP never does, since a terminal that closes
/// sends several. A SIGHUP that is ignored, as nohup has it, stays ignored. SIGPIPE and SIGXFSZ are
/// ignored: the write that meets them fails instead, and one to stderr counts for nothing.
void catch_stop_signals();

/// What the answer to the first signal promises from now on: a literal, such as "finishing the
/// step".
void promise_on_stop(const char* what);

/// The signal that asked for a stop, or 0.
int stop_signal();

/// Throws Interrupted if a stop was asked for.
void throw_if_stopped();

/// "SIGTERM, signal 15": of the signals that ask for a stop.
const char* describe_stop_signal(int signal);

}  // namespace distill
